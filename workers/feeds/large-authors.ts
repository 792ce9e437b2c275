/**
 * A post of a large author is not written into each follower's feed: it is found when they read. `people.reach` says how an
 * author's posts get to their readers, `following.merged` which readers look for them:
 *
 *     pushed   every post is pushed into the feeds of all followers
 *     turning  it still is, while their rows of `following` are marked one page after another
 *     merged   nothing is pushed: every follower's row is marked, or will be by the follow that is under way
 *
 * Nobody falls between the two. Whoever was mirrored before `turning` is in a page; whoever is mirrored afterwards sees the
 * state in the batch that mirrors them, and is marked by their own follow. A marked reader may have posts in their feed as
 * well, and sees each once.
 *
 * An author stays merged, whatever becomes of their followers: to push again, each feed would have to be filled first with
 * what was never pushed, and nothing is wrong with merging a small author.
 */
import type { Effect } from "../../schema/messages/facts.ts";
import type { PersonId } from "../../schema/ids.ts";
import { byDatabase, databaseOf } from "../../schema/d1/shards.ts";
import { effectDone, effectGoesOn, newEffect, saveEffectIf, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { followersOf } from "../reads/follows.ts";

/** From this many followers on an author is large, unless the variable LARGE_AUTHOR_FOLLOWERS says otherwise. */
const LARGE_AUTHOR = 10_000;
/** Bounds the work of one message. */
export const MARKED_PER_MESSAGE = 1000;

export function isLarge(env: Partial<Pick<Env, "LARGE_AUTHOR_FOLLOWERS">>, followers: number): boolean {
  const from = Number(env.LARGE_AUTHOR_FOLLOWERS ?? LARGE_AUTHOR);
  if (Number.isNaN(from)) throw new Error(`LARGE_AUTHOR_FOLLOWERS: ${env.LARGE_AUTHOR_FOLLOWERS} is no number`);
  return followers >= from;
}

/** Begins to turn an author whose posts are pushed. One D1 batch; it changes nothing for any other. */
export async function turnLarge(env: Env, author: PersonId): Promise<void> {
  await withFreshIds(async () => {
    const effect = newEffect(author, { kind: "merge", author });
    const database = databaseOf(env, author);
    const [saved] = await database.batch([
      saveEffectIf(env, effect, "EXISTS (SELECT 1 FROM people WHERE id = ?4 AND reach = 'pushed')", [author]),
      database.prepare("UPDATE people SET reach = 'turning' WHERE id = ? AND reach = 'pushed'").bind(author),
    ]);
    if (saved && saved.meta.changes > 0) await sendEffect(env, effect);
  });
}

/**
 * Marks one page of followers and hands the rest on; how far it has come is kept with the effect, so what is lost goes on
 * from there. Costs a page one D1 query, one for each database of the followers, and one to be done with it; it writes two
 * rows a follower, once in an author's life.
 */
export async function mergeAuthor(env: Env, effect: Extract<Effect, { kind: "merge" }>): Promise<void> {
  const { id, author, after } = effect;
  const page = await followersOf(env, author, after, MARKED_PER_MESSAGE);
  await Promise.all(
    [...byDatabase(env, page, (follower) => follower)].map(([database, group]) =>
      markStatement(database, group, author).run(),
    ),
  );
  const last = page.length === MARKED_PER_MESSAGE ? page.at(-1) : undefined;
  if (last) return effectGoesOn(env, { ...effect, after: last });
  await databaseOf(env, author).prepare("UPDATE people SET reach = 'merged' WHERE id = ?").bind(author).run();
  await effectDone(env, id);
}

/** From now on `followers`, who live in this database, find the author's posts when they read. */
export const markStatement = (database: D1Database, followers: PersonId[], author: PersonId): D1PreparedStatement =>
  database
    .prepare(
      `UPDATE following SET merged = 1
       WHERE follower IN (SELECT value FROM json_each(?1)) AND followee = ?2 AND merged = 0`,
    )
    .bind(JSON.stringify(followers), author);
