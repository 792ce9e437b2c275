/**
 * Decides which people and posts a viewer may see.
 *
 * The author's side of a decision (deleted, private, exclusion marks) is read together with the post, from one state of the
 * author's database. The viewer's side (blocks, follows) is read in the viewer's database, at a state that includes the
 * mark of the author. So everything published after a block, a removal or becoming private is hidden from the people
 * it excludes, however late a replica is (docs/decisions/0020-replicas-and-the-primary.md).
 */
import { sql } from "drizzle-orm";
import type { PersonCard } from "../../schema/api/people.ts";
import { IS_ACTIVE } from "../../schema/d1/blocks.ts";
import { bindingOf } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { isModerator } from "../../schema/moderation.ts";
import { type Audience, includes, mayView } from "../../schema/viewing.ts";
import { blocks, following } from "../../schema/tables/people.ts";
import { personDocuments } from "./documents.ts";
import { audienceOfPost, type KnownPost } from "./stored-posts.ts";
import { Memory } from "../storage/memory.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import type { Reader } from "../storage/reader.ts";

type People = ReadonlySet<PersonId>;

/** The viewer's side: the authors who are in a block with the viewer, and those the viewer follows. */
type Sight = { viewer: PersonId | undefined; isModerator: boolean; blocked: People; followed: People };
/** What decides about a post, apart from the viewer's side. */
type Decided = Pick<KnownPost, "audience" | "followedAt"> & { author: PersonId };

/**
 * Returns whether a viewer may see the post, by the rule of `mayView`; `sight` must have been read for its author and
 * this viewer. Every path that shows a post, its comments, its likers or a notification about it decides by this
 * function and no other.
 */
export function canView<Post extends KnownPost>(sight: Sight, post: Post | undefined): post is Post {
  if (!post || post.stats.deleted) return false;
  return seesAuthor(sight, post.document.author, post.audience, post.stats.takenDown);
}

/** Returns whether the viewer may see posts of the author that are not deleted, or those that were taken down. */
export const seesAuthor = (
  { viewer, isModerator, blocked, followed }: Sight,
  author: PersonId,
  { isPrivate, isBarred }: Audience,
  isTakenDown = false,
): boolean =>
  mayView({
    isDeleted: false,
    isTakenDown: isTakenDown || isBarred,
    isAuthor: author === viewer,
    isModerator,
    isBlocked: blocked.has(author),
    isPrivate,
    isFollower: followed.has(author),
  });

/**
 * Reads the viewer's side of what decides about the posts. Costs nothing for an anonymous viewer, for own posts, and for
 * posts of public or followed people, which are nearly all; otherwise one D1 query.
 */
export const sightOf = (reader: Reader, posts: readonly KnownPost[]): Promise<Sight> =>
  sightFor(
    reader,
    posts.map(({ document, ...post }) => ({ ...post, author: document.author })),
  );

/** Reads the same about posts of which only the author and the audience are known. */
export async function sightFor(reader: Reader, posts: readonly Decided[]): Promise<Sight> {
  const viewer = reader.person;
  const others = posts.filter(({ author }) => author !== viewer);
  const authors = new Set(others.map(({ author }) => author));
  if (authors.size === 1) [reader.about] = authors;
  const nothing = { viewer, isModerator: false, blocked: NOBODY, followed: NOBODY };
  if (viewer === undefined || authors.size === 0) return nothing;

  const check = await reader.check();
  const binding = bindingOf(reader.env, viewer);
  const unknown = new Set<PersonId>();
  const followed = new Set<PersonId>();
  for (const { author, audience, followedAt } of others) {
    const mark = audience.marks[binding];
    const isFollowed = followedAt !== undefined && includes(followedAt, mark);
    const isCurrent = !reader.isFromPrimary && includes(check?.at, mark) && (isFollowed || followedAt === undefined);
    if (!isCurrent && mark !== undefined) reader.seen.reached(binding, mark);
    if (!isCurrent || check?.hasBlocks === true || (audience.isPrivate && !isFollowed)) unknown.add(author);
    else if (isFollowed) followed.add(author);
  }
  // Of two posts of one author, one may be newer than the state that said who is followed.
  for (const author of unknown) followed.delete(author);
  const relations = await relationsTo(reader, viewer, unknown);
  return {
    viewer,
    isModerator: isModerator(check?.role),
    blocked: new Set(relations.flatMap(({ person, blocked }) => (blocked ? [person] : []))),
    followed: new Set([...followed, ...relations.flatMap(({ person, follows }) => (follows ? [person] : []))]),
  };
}

const NOBODY: People = new Set();

type Relation = { person: PersonId; follows: 0 | 1; blocked: 0 | 1 };

/**
 * Reads which of `people` the viewer follows or is in a block with. Costs one D1 query, or nothing for no people.
 */
async function relationsTo(reader: Reader, viewer: PersonId, people: People): Promise<Relation[]> {
  if (people.size === 0) return [];
  return reader.replica<Relation>(viewer, RELATIONS, viewer, JSON.stringify([...people]));
}

/** Why a post is refused; "missing" if the primary does not have it either. */
type Absence = "missing" | "deleted" | "hidden";

/** As long as `Tiers` believes that something is absent, in ms. */
const REFUSED_FOR = 1000;
/** The posts whose refusal has waited for the primary a moment ago. */
const refused = new Memory<PostId, true>(10_000);

/**
 * Returns the refusal of a post after the reads that every reason takes, so that the time it takes does not tell one from
 * another: the relations to the author, and the primary, which is asked for what a replica lacks. Costs up to two D1
 * queries that decide nothing.
 */
export async function postNotFound(reader: Reader, post: PostId, absence: Absence): Promise<Refusal> {
  const { person } = reader;
  const isWaiting = Date.now() - (refused.get(post)?.at ?? 0) >= REFUSED_FOR;
  try {
    if (absence !== "hidden" && person !== undefined) {
      await reader.replicaAt(person, RELATIONS, person, JSON.stringify([post]));
    }
    if (absence !== "missing" && isWaiting) {
      refused.set(post, true);
      await reader.primaryAt(post, RELATIONS, post, JSON.stringify([post]));
    }
  } catch {
    // The decision stands without them.
  }
  return new Refusal("post_not_found");
}

const RELATIONS = textOf(sql`
  SELECT value AS "person", EXISTS (
    SELECT 1 FROM ${following}
    WHERE ${following.follower} = ?1 AND ${following.followee} = value AND ${following.active} = 1) AS "follows",
  EXISTS (
    SELECT 1 FROM ${blocks}
    WHERE ${blocks.person} = ?1 AND ${blocks.other} = value AND ${IS_ACTIVE}) AS "blocked"
  FROM json_each(?2)`);

/** How long an isolate believes what it has read about two people, for files: a page has many. */
const PAIRS_FRESH_FOR = 1000; // ms
const PAIRS_MAX = 10_000;
const pairs = new Memory<string, { relation: Relation | undefined; at: string | undefined }>(PAIRS_MAX);

/**
 * Returns whether `viewer` may see the posts of `author`, whose audience was read. Needs no session, since a signed URL
 * names only the viewer's id. Costs one D1 query a second for each pair, or nothing if the viewer is the author.
 */
export async function seesPostsOf(
  reader: Reader,
  viewer: PersonId,
  author: PersonId,
  { isPrivate, isBarred, marks }: Audience,
): Promise<boolean> {
  if (viewer === author) return true;
  if (isBarred) return false;
  const binding = bindingOf(reader.env, viewer);
  const mark = marks[binding];
  if (mark !== undefined) reader.seen.reached(binding, mark);
  const pair = `${viewer} ${author}`;
  let known = pairs.get(pair);
  const isFresh = known && Date.now() - known.at < PAIRS_FRESH_FOR && includes(known.value.at, mark);
  if (!known || !isFresh) {
    const { rows, at } = await reader.replicaAt<Relation>(viewer, RELATIONS, viewer, JSON.stringify([author]));
    pairs.set(pair, { relation: rows[0], at });
    known = pairs.get(pair);
  }
  const relation = known?.value.relation;
  return mayView({
    isDeleted: false,
    isTakenDown: false,
    isAuthor: false,
    isModerator: false,
    isBlocked: relation?.blocked !== 0,
    isPrivate,
    isFollower: relation?.follows === 1,
  });
}

/**
 * Returns whether blocks and privacy let the viewer write to a post; everything else is for the post's actor to decide.
 * Costs one D1 query if nobody has asked in the last second, and one more if the author is private or the viewer has a
 * block. `despiteBlocks` ignores blocks. False for a post that D1 does not have (yet). A refusal
 * takes as long as `postNotFound`.
 */
export async function mayWriteTo(reader: Reader, post: PostId, { despiteBlocks = false } = {}): Promise<boolean> {
  const known = await audienceOfPost(reader, post);
  if (!known) {
    await postNotFound(reader, post, "missing");
    return false;
  }
  const sight = await sightFor(reader, [known]);
  const isSeen = seesAuthor(despiteBlocks ? { ...sight, blocked: NOBODY } : sight, known.author, known.audience);
  if (!isSeen) await postNotFound(reader, post, "hidden");
  return isSeen;
}

/**
 * Returns those of `others` the viewer has blocked or who have blocked the viewer. `asOf` is the bookmark of a
 * state of the viewer's database that the result must include, if what they did was read there. Costs one D1 query, or
 * nothing for a viewer without any block (nearly everybody) or when `others` holds nobody but the viewer.
 */
export async function blockedFor(reader: Reader, others: Iterable<PersonId>, asOf?: string): Promise<People> {
  const { person } = reader;
  const people = new Set([...others].filter((other) => other !== person));
  if (!person || people.size === 0) return NOBODY;
  const check = await reader.check();
  const isCurrent = !reader.isFromPrimary && includes(check?.at, asOf);
  if (isCurrent && check?.hasBlocks !== true) return NOBODY;
  if (asOf !== undefined) reader.seen.reached(bindingOf(reader.env, person), asOf);
  const relations = await relationsTo(reader, person, people);
  return new Set(relations.flatMap(({ person: other, blocked }) => (blocked ? [other] : [])));
}

/**
 * Returns the people that the viewer may see by name, in a list or as authors of comments: all but those blocked either
 * way. `asOf` as for `blockedFor`.
 */
export async function peopleSeenBy(
  reader: Reader,
  ids: Iterable<PersonId>,
  asOf?: string,
): Promise<Map<PersonId, PersonCard>> {
  const all = [...ids];
  const [people, blocked] = await Promise.all([personDocuments.get(reader, all), blockedFor(reader, all, asOf)]);
  const seen = new Map(people);
  for (const person of blocked) seen.delete(person);
  return seen;
}
