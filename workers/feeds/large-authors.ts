/**
 * Large authors: their posts are not written to each follower's feed, but merged when followers read. `people.reach`
 * says how an author's posts reach their readers, and `following.merged` says which readers merge them:
 *
 *     pushed   every post is written to the feeds of all followers
 *     turning  the same, while the followers' rows of `following` are marked page by page
 *     merged   posts are written to no feed: every follower's row is marked, or will be by a follow that is under way
 *
 * No follower is missed. Followers mirrored before `turning` are in a page; later ones see the state in the batch that
 * mirrors them, and their own follow marks them. A marked reader whose feed also has a post sees it once.
 *
 * An author stays merged even if their followers leave: before pushing again, every feed would have to be filled with
 * the posts that it lacks, and merging works for small authors, too.
 */
import { eq, sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PersonId } from "../../schema/ids.ts";
import { byDatabase, databaseOf } from "../../schema/d1/shards.ts";
import { bare, literal, textOf } from "../../schema/d1/sql.ts";
import { following, people, type Reach } from "../../schema/tables/people.ts";
import { deleteEffect, continueEffect, newEffect, saveEffectIf, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { followersOf } from "../reads/follows.ts";

/** The number of followers that makes an author large, unless the variable LARGE_AUTHOR_FOLLOWERS sets another. */
const LARGE_AUTHOR = 10_000;
/** The most followers that one message marks. */
export const MARKED_PER_MESSAGE = 1000;

/** Whether this many followers make an author large. Throws if LARGE_AUTHOR_FOLLOWERS is not a number. */
export function isLarge(env: Partial<Pick<Env, "LARGE_AUTHOR_FOLLOWERS">>, followers: number): boolean {
  const from = Number(env.LARGE_AUTHOR_FOLLOWERS ?? LARGE_AUTHOR);
  if (Number.isNaN(from)) throw new Error(`LARGE_AUTHOR_FOLLOWERS: ${env.LARGE_AUTHOR_FOLLOWERS} is not a number`);
  return followers >= from;
}

/**
 * Begins to turn an author from `pushed` to `merged`. Does nothing if the author is not `pushed`. Costs one D1 batch.
 */
export async function turnLarge(env: Env, author: PersonId): Promise<void> {
  await withFreshIds(async () => {
    const effect = newEffect(author, { kind: "merge", author });
    const database = databaseOf(env, author);
    const [saved] = await database.patient.batch([saveEffectIf(effect, IS_PUSHED, [author]), statement(TURN, author)]);
    if (saved && saved.changes > 0) await sendEffect(env, effect);
  });
}

/**
 * Marks one page of followers, and continues with the next page in another message. The progress is stored with the
 * effect, so a lost message resumes from there. A page costs one D1 query, one for each database of the followers, and
 * one to store the progress; it writes two rows a follower, once in an author's life.
 */
export async function mergeAuthor(env: Env, effect: Extract<Effect, { kind: "merge" }>): Promise<void> {
  const { id, author, after } = effect;
  const page = await followersOf(env, author, after, MARKED_PER_MESSAGE);
  await Promise.all(
    [...byDatabase(env, page, (follower) => follower)].map(([database, group]) =>
      database.patient.batch([markStatement(group, author)]),
    ),
  );
  const last = page.length === MARKED_PER_MESSAGE ? page.at(-1) : undefined;
  if (last) return continueEffect(env, { ...effect, after: last });
  await databaseOf(env, author).patient.orm.update(people).set({ reach: "merged" }).where(eq(people.id, author));
  await deleteEffect(env, id);
}

const PUSHED = literal("pushed" satisfies Reach);

/** The condition of the effect: its parameters begin at ?4. */
const IS_PUSHED = textOf(sql`EXISTS (SELECT 1 FROM ${people} WHERE ${people.id} = ?4 AND ${people.reach} = ${PUSHED})`);

const TURN = textOf(sql`
  UPDATE ${people} SET ${bare(people.reach)} = ${literal("turning" satisfies Reach)}
  WHERE ${people.id} = ?1 AND ${people.reach} = ${PUSHED}`);

/** Marks the follows of `followers`, who live in this database, so that they merge the author's posts at read. */
export const markStatement = (followers: readonly PersonId[], author: PersonId): Statement =>
  statement(MARK, JSON.stringify(followers), author);

const MARK = textOf(sql`
  UPDATE ${following} SET ${bare(following.merged)} = 1
  WHERE ${following.follower} IN (SELECT value FROM json_each(?1))
  AND ${following.followee} = ?2 AND ${following.merged} = 0`);
