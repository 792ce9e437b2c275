/**
 * Keeps handles apart that can be taken for each other, such as "molly" and "mo11y": only one of them may exist. The
 * first one claims their skeleton, in the shard of the skeleton's hash. A claim whose person does not have the handle (any
 * more) is taken over.
 */
import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import { databaseOf, shardOfHandle } from "../../schema/d1/shards.ts";
import { bare, list, takeExcluded, textOf } from "../../schema/d1/sql.ts";
import { type PersonId, timeOf } from "../../schema/ids.ts";
import { lookalikes } from "../../schema/tables/people.ts";
import { claimantOf, personExists } from "../reads/people.ts";
import { skeletonOf } from "./skeletons.ts";

/** Any other handle has a skeleton of its own. */
const IS_AMBIGUOUS = /[01lmo]|rn/;

type Claim = { handle: string; person: PersonId };

/**
 * Claims the skeleton of a handle for `person`, who is about to have it. Throws `handle_taken` if another handle looks the
 * same and has an owner, or a claim on it is younger than `lasts` (ms). Costs one D1 batch, or nothing for a handle that no
 * other one looks like.
 */
export async function claimSkeleton(env: Env, handle: string, person: PersonId, lasts: number): Promise<void> {
  if (!IS_AMBIGUOUS.test(handle)) return;
  const skeleton = skeletonOf(handle);
  const database = databaseOf(env, shardOfHandle(skeleton));
  const [, read] = await database.batch<Claim>([statement(CLAIM, skeleton, handle, person), statement(READ, skeleton)]);
  const before = read?.rows[0];
  if (before?.person === person && before.handle === handle) return;
  const isOwn = before?.person === person; // They change their handle to one that looks the same.
  const isOver = isOwn || (before !== undefined && Date.now() - timeOf(before.person) > lasts);
  if (before && isOver && (isOwn || !(await personExists(env, before.person, before.handle)))) {
    if ((await database.run(TAKE_OVER, skeleton, handle, person, before.person, before.handle)) > 0) return;
  }
  const message = "This handle looks like one that is taken. Choose another one.";
  throw new Refusal("handle_taken", message, [{ path: "handle", message }]);
}

/**
 * Returns who has claimed a handle that `text` can be taken for. The claim may be out of date. Costs one D1 query, or
 * nothing for a text that looks like no handle.
 */
export async function lookalikeOf(env: Env, text: string): Promise<PersonId | undefined> {
  const skeleton = skeletonOf(text);
  if (!/^[a-z0-9_]{3,60}$/.test(skeleton)) return undefined;
  if (!IS_AMBIGUOUS.test(skeleton)) return claimantOf(env, skeleton);
  return (await databaseOf(env, shardOfHandle(skeleton)).first<Claim>(READ, skeleton))?.person;
}

// The same handle again is another try of a sign-up, whose person has another id.
const CLAIM = textOf(sql`
  INSERT INTO ${lookalikes} (${list(lookalikes.skeleton, lookalikes.handle, lookalikes.person)}) VALUES (?1, ?2, ?3)
  ON CONFLICT DO UPDATE SET ${takeExcluded(lookalikes.person)} WHERE ${lookalikes.handle} = ?2`);
const READ = textOf(sql`
  SELECT ${lookalikes.handle}, ${lookalikes.person} FROM ${lookalikes} WHERE ${lookalikes.skeleton} = ?1`);
const TAKE_OVER = textOf(sql`
  UPDATE ${lookalikes} SET ${bare(lookalikes.handle)} = ?2, ${bare(lookalikes.person)} = ?3
  WHERE ${lookalikes.skeleton} = ?1 AND ${lookalikes.person} = ?4 AND ${lookalikes.handle} = ?5`);
