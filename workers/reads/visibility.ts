/** Who may see whom, and what. */
import type { PersonCard } from "../../schema/api/people.ts";
import { BLOCKED_AMONG, IS_ACTIVE } from "../../schema/d1/blocks.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { type KnownPost, personDocuments } from "./documents.ts";
import { followedAmong } from "./follows.ts";
import { Memory } from "../storage/memory.ts";
import { authorOf, isBy, LEASE, leaseOf, mayBeByPrivate, privateAmong } from "./private-accounts.ts";
import type { Reader } from "../storage/reader.ts";

/** Of the people that were asked about: those of whom the viewer sees nothing, or no post. */
export type Unseen = ReadonlySet<PersonId>;

/**
 * Whether a viewer, of whom `unseen` is known of its author, may see the post. Every path that shows a post, its comments,
 * who likes it or a notification of it, and every write to it, asks here and nowhere else. A post is public until it is
 * gone, but for two things: between two people of whom one has blocked the other, and of a private author for all whom
 * they have not accepted as followers.
 */
export function canView<Post extends KnownPost>(unseen: Unseen, post: Post | undefined): post is Post {
  return post !== undefined && !post.stats.deleted && !unseen.has(post.document.author);
}

/**
 * The authors of whom the viewer sees no post. Costs a viewer who has a block one D1 query; for authors whom they are not
 * known to follow what `hiddenFrom` costs; and nobody about their own posts.
 */
export async function unseenAuthors(reader: Reader, posts: readonly KnownPost[]): Promise<Unseen> {
  const others = posts.filter(({ document }) => document.author !== reader.person);
  for (const { document } of others) isBy(document.id, document.author);
  const authors = authorsOf(others);
  if (authors.size === 1) [reader.about] = authors;
  const strangers = others.filter(({ isFollowed }) => isFollowed !== true);
  const [blocked, hidden] = await Promise.all([
    blockedFor(reader, authors),
    reader.person === undefined ? hiddenFromAnybody(reader, strangers) : hiddenFrom(reader, authorsOf(strangers)),
  ]);
  return new Set([...blocked, ...hidden]);
}

const authorsOf = (posts: readonly KnownPost[]): Set<PersonId> => new Set(posts.map(({ document }) => document.author));

/**
 * Those of `people` who are private and have not accepted the viewer, as it is now. One D1 query for each database of
 * those whom nobody has asked about in the last second, and one when somebody is private.
 */
export async function hiddenFrom(reader: Reader, people: ReadonlySet<PersonId>): Promise<Set<PersonId>> {
  const others = new Set([...people].filter((person) => person !== reader.person));
  const hidden = await privateAmong(reader, others);
  for (const followed of await followedAmong(reader, hidden)) hidden.delete(followed);
  return hidden;
}

export const isHiddenFrom = async (reader: Reader, person: PersonId): Promise<boolean> =>
  (await hiddenFrom(reader, new Set([person]))).has(person);

/** What is shown to everybody is some seconds old, and so may this be: it was read with where the posts stand. */
async function hiddenFromAnybody(reader: Reader, posts: readonly KnownPost[]): Promise<Set<PersonId>> {
  const unknown = posts.filter(({ stats }) => stats.isPrivate === undefined);
  const hidden = await privateAmong(reader, authorsOf(unknown));
  for (const { document, stats } of posts) {
    if (stats.isPrivate === true || leaseOf(document.author) === true) hidden.add(document.author);
  }
  return hidden;
}

/**
 * Whether `viewer`, of whom nothing but their id is known (a signed address has no session), sees what `author` publishes,
 * who is private. As it is now, or was a second ago: one D1 query a second for each pair.
 */
export async function seesPostsOf(reader: Reader, viewer: PersonId, author: PersonId): Promise<boolean> {
  if (viewer === author) return true;
  const pair = `${viewer} ${author}`;
  const now = Date.now();
  const known = pairs.get(pair);
  if (known && known.at <= now && now - known.at < LEASE) return known.value;
  const [row] = await reader.primary<{ sees: 0 | 1 }>(viewer, SEES, viewer, author);
  pairs.set(pair, row?.sees === 1, now);
  return row?.sees === 1;
}

const PAIRS_MAX = 10_000;
const pairs = new Memory<string, boolean>(PAIRS_MAX);

const SEES = `
  SELECT EXISTS (SELECT 1 FROM following WHERE follower = ?1 AND followee = ?2 AND active = 1)
    AND NOT EXISTS (SELECT 1 FROM blocks WHERE person = ?1 AND other = ?2 AND ${IS_ACTIVE}) AS sees`;

/**
 * Whether the viewer may write to a post, as far as its author is concerned: all else its actor knows. Costs nothing for the
 * post of an author who was asked about in the last second; else a D1 query, and one more when the author is private. Who
 * has a block costs one more, but for what they may do despite it. A post that D1 does not have is nobody's yet.
 */
export async function mayWriteTo(reader: Reader, post: PostId, { despiteBlocks = false } = {}): Promise<boolean> {
  let author: PersonId | undefined;
  try {
    author = await authorOf(reader, post);
  } catch (error) {
    if ((reader.hasBlocks && !despiteBlocks) || (await mayBeByPrivate(reader, post))) throw error;
    reader.served.isStale = true;
    return true;
  }
  if (author === undefined) return false;
  if (author === reader.person) return true;
  const asked = new Set([author]);
  const [blocked, hidden] = await Promise.all([
    despiteBlocks ? new Set<PersonId>() : blockedFor(reader, asked),
    hiddenFrom(reader, asked),
  ]);
  return !blocked.has(author) && !hidden.has(author);
}

/**
 * With whom of `others` the viewer is in a block, whoever made it. One D1 query; none for who has no block, which is nearly
 * everybody, and none about nobody but oneself.
 */
export async function blockedFor(reader: Reader, others: Iterable<PersonId>): Promise<Unseen> {
  const { person, hasBlocks } = reader;
  const asked = new Set([...others].filter((other) => other !== person));
  if (!person || !hasBlocks || asked.size === 0) return new Set();
  const rows = await reader.primary<{ other: PersonId }>(person, BLOCKED_AMONG, person, JSON.stringify([...asked]));
  return new Set(rows.map(({ other }) => other));
}

/** The people of `ids` whom the viewer may meet: in a list, as who comments, or as whom a notification is about. */
export async function peopleSeenBy(reader: Reader, ids: Iterable<PersonId>): Promise<Map<PersonId, PersonCard>> {
  const asked = [...ids];
  const [people, blocked] = await Promise.all([personDocuments.get(reader, asked), blockedFor(reader, asked)]);
  for (const person of blocked) people.delete(person);
  return people;
}
