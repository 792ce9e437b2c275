/** Decides which people and posts a viewer may see. */
import { sql } from "drizzle-orm";
import type { PersonCard } from "../../schema/api/people.ts";
import { BLOCKED_AMONG, IS_ACTIVE } from "../../schema/d1/blocks.ts";
import { textOf } from "../../schema/d1/sql.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { isInLease, mayView } from "../../schema/viewing.ts";
import { blocks, following } from "../../schema/tables/people.ts";
import { type KnownPost, personDocuments } from "./documents.ts";
import { followedAmong } from "./follows.ts";
import { Memory } from "../storage/memory.ts";
import { authorOf, learnAuthor, knownPrivacy, mayBeByPrivate, privateAmong } from "./private-accounts.ts";
import type { Reader } from "../storage/reader.ts";

type People = ReadonlySet<PersonId>;

/**
 * What decides which of some posts a viewer may see: the authors who are in a block with the viewer, are private, or
 * are followed by the viewer. Only the private ones of `followed` matter, so it may lack others.
 */
type Sight = { viewer: PersonId | undefined; blocked: People; privates: People; followed: People };

/**
 * Returns whether a viewer may see the post, by the rule of `mayView`; `sight` must have been read for its author and
 * this viewer. Every path that shows a post, its comments, its likers or a notification about it decides by this
 * function and no other.
 */
export function canView<Post extends KnownPost>(sight: Sight, post: Post | undefined): post is Post {
  if (!post) return false;
  const { author } = post.document;
  return mayView({
    isDeleted: post.stats.deleted,
    isAuthor: author === sight.viewer,
    isBlocked: sight.blocked.has(author),
    isPrivate: sight.privates.has(author),
    isFollower: sight.followed.has(author),
  });
}

/**
 * Reads what decides whether the viewer may see the posts. Costs one D1 query for a viewer who has any block, and the
 * cost of `hiddenFrom` for authors that they are not known to follow. The viewer's own posts cost nothing.
 */
export async function sightOf(reader: Reader, posts: readonly KnownPost[]): Promise<Sight> {
  const viewer = reader.person;
  const others = posts.filter(({ document }) => document.author !== viewer);
  for (const { document } of others) learnAuthor(document.id, document.author);
  const authors = authorsOf(others);
  if (authors.size === 1) [reader.about] = authors;
  const byStrangers = others.filter(({ isFollowed }) => isFollowed !== true);
  const strangers = authorsOf(byStrangers);
  const known = [...authors].filter((author) => !strangers.has(author));
  const [blocked, { privates, followed }] = await Promise.all([
    blockedFor(reader, authors),
    viewer === undefined ? privacyForAnybody(reader, byStrangers) : privacyFor(reader, strangers),
  ]);
  return { viewer, blocked, privates, followed: new Set([...known, ...followed]) };
}

const authorsOf = (posts: readonly KnownPost[]): Set<PersonId> => new Set(posts.map(({ document }) => document.author));

/**
 * Returns those of `people` who are private and have not accepted the viewer as a follower. Costs one D1 query for each
 * database of people who were not looked up in the last second, and one more if somebody is private.
 */
async function hiddenFrom(reader: Reader, people: ReadonlySet<PersonId>): Promise<Set<PersonId>> {
  const { privates, followed } = await privacyFor(reader, people);
  return new Set([...privates].filter((person) => !followed.has(person)));
}

/** Those of some people who are private, and those of these whom the viewer follows. */
type Privacy = { privates: Set<PersonId>; followed: Set<PersonId> };

async function privacyFor(reader: Reader, people: ReadonlySet<PersonId>): Promise<Privacy> {
  const others = new Set([...people].filter((person) => person !== reader.person));
  const privates = await privateAmong(reader, others);
  return { privates, followed: await followedAmong(reader, privates) };
}

/** Returns whether `person` is private and has not accepted the viewer as a follower. Costs as much as `hiddenFrom`. */
export const isHiddenFrom = async (reader: Reader, person: PersonId): Promise<boolean> =>
  (await hiddenFrom(reader, new Set([person]))).has(person);

/** Uses the privacy that was read with the standings: public responses may be some seconds old, and so may this be. */
async function privacyForAnybody(reader: Reader, posts: readonly KnownPost[]): Promise<Privacy> {
  const unknown = posts.filter(({ stats }) => stats.isPrivate === undefined);
  const privates = await privateAmong(reader, authorsOf(unknown));
  for (const { document, stats } of posts) {
    if (stats.isPrivate === true || knownPrivacy(document.author) === true) privates.add(document.author);
  }
  return { privates, followed: new Set() };
}

/**
 * Returns whether `viewer` may see the posts of the private `author`. Needs no session, since a signed URL names only
 * the viewer's id. The result is at most PRIVACY_LEASE old; costs one D1 query a second for each pair.
 */
export async function seesPostsOf(reader: Reader, viewer: PersonId, author: PersonId): Promise<boolean> {
  if (viewer === author) return true;
  const pair = `${viewer} ${author}`;
  const now = Date.now();
  const known = pairs.get(pair);
  if (known && isInLease(known.at, now)) return known.value;
  const [row] = await reader.primary<{ sees: 0 | 1 }>(viewer, SEES, viewer, author);
  pairs.set(pair, row?.sees === 1, now);
  return row?.sees === 1;
}

const PAIRS_MAX = 10_000;
const pairs = new Memory<string, boolean>(PAIRS_MAX);

const SEES = textOf(sql`
  SELECT EXISTS (
    SELECT 1 FROM ${following}
    WHERE ${following.follower} = ?1 AND ${following.followee} = ?2 AND ${following.active} = 1)
  AND NOT EXISTS (
    SELECT 1 FROM ${blocks}
    WHERE ${blocks.person} = ?1 AND ${blocks.other} = ?2 AND ${IS_ACTIVE}) AS "sees"`);

/**
 * Returns whether blocks and privacy let the viewer write to a post; everything else is for the post's actor to decide.
 * Costs nothing if the author was looked up in the last second; otherwise one D1 query, and one more when the author is
 * private. A viewer who has any block costs one more unless `despiteBlocks` is set. False for a post that D1 does not
 * have (yet).
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
  const authors = new Set([author]);
  const [blocked, { privates, followed }] = await Promise.all([
    despiteBlocks ? new Set<PersonId>() : blockedFor(reader, authors),
    privacyFor(reader, authors),
  ]);
  return mayView({
    isDeleted: false,
    isAuthor: false,
    isBlocked: blocked.has(author),
    isPrivate: privates.has(author),
    isFollower: followed.has(author),
  });
}

/**
 * Returns those of `others` whom the viewer has blocked or who have blocked the viewer. Costs one D1 query, or nothing
 * for a viewer without any block (nearly everybody) or when `others` holds nobody but the viewer.
 */
export async function blockedFor(reader: Reader, others: Iterable<PersonId>): Promise<People> {
  const { person, hasBlocks } = reader;
  const people = new Set([...others].filter((other) => other !== person));
  if (!person || !hasBlocks || people.size === 0) return new Set();
  const rows = await reader.primary<Pick<typeof blocks.$inferSelect, "other">>(
    person,
    BLOCKED_AMONG,
    person,
    JSON.stringify([...people]),
  );
  return new Set(rows.map(({ other }) => other));
}

/**
 * Returns the people that the viewer may see by name, in a list or as authors of comments: all but those blocked either
 * way.
 */
export async function peopleSeenBy(reader: Reader, ids: Iterable<PersonId>): Promise<Map<PersonId, PersonCard>> {
  const all = [...ids];
  const [people, blocked] = await Promise.all([personDocuments.get(reader, all), blockedFor(reader, all)]);
  for (const person of blocked) people.delete(person);
  return people;
}
