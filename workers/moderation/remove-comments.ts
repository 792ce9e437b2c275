/** Removes all comments of one person: under the posts of one author, or everywhere. */
import { sql } from "drizzle-orm";
import { databases, isHomeOf } from "../../schema/d1/shards.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PersonId } from "../../schema/ids.ts";
import { comments, posts } from "../../schema/tables/posts.ts";
import { continueEffect, deleteEffect, newEffect, saveEffect, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import type { Reader } from "../storage/reader.ts";
import { logged } from "./log.ts";

type Removal = Extract<Effect, { kind: "remove_comments" }>;

/** Bounds the calls of one step, which are at most as many actors. */
const REMOVED_PER_STEP = 50;

/** Begins a removal for the author `by`, or for a moderator, whose act is logged. Costs one D1 batch. */
export async function beginRemoval(
  reader: Reader,
  person: PersonId,
  { by, moderator, reason = "" }: { by?: PersonId; moderator?: PersonId; reason?: string },
): Promise<void> {
  const key = by ?? person;
  const effect = await withFreshIds(async () => {
    const begun = newEffect(key, { kind: "remove_comments", person, ...(by && { by }), database: 0 } as const);
    const log = moderator
      ? [logged({ actor: moderator, act: "remove_comments", subject: person, person, reason })]
      : [];
    await reader.write(key, [saveEffect(begun), ...log]);
    return begun;
  });
  reader.background.waitUntil(sendEffect(reader.env, effect));
}

type Found = Pick<typeof comments.$inferSelect, "post" | "parent" | "id">;

/**
 * Removes the next comments through the actors of their posts, then goes on. May run again at any time. Comments that D1
 * does not have yet are left. Costs one D1 query of a few rows a comment, and up to REMOVED_PER_STEP actor calls.
 */
export async function removeComments(env: Env, effect: Removal): Promise<void> {
  const { person, by, after } = effect;
  const database = [...databases(env)][effect.database];
  if (!database) return deleteEffect(env, effect.id);
  const { post = "", parent = "", id = "" } = after ?? {};
  const found = await database.patient.all<Found>(by ? UNDER_POSTS_OF : ANYWHERE, person, post, parent, id, by ?? "");
  const here = found.filter((comment) => isHomeOf(env, database, comment.post));
  const byPost = Map.groupBy(here, (comment) => comment.post);
  await Promise.all(
    [...byPost].map(([where, group]) =>
      env.POSTS.getByName(where).removeComments(
        person,
        group.map((comment) => comment.id),
        by,
      ),
    ),
  );
  const last = found.length === REMOVED_PER_STEP ? found.at(-1) : undefined;
  const { after: _, ...rest } = effect;
  await continueEffect(env, last ? { ...effect, after: last } : { ...rest, database: effect.database + 1 });
}

const next = sql`
  SELECT ${comments.post}, ${comments.parent}, ${comments.id} FROM ${comments}
  WHERE ${comments.author} = ?1 AND (${comments.post}, ${comments.parent}, ${comments.id}) > (?2, ?3, ?4)
    AND ${comments.state} <> 'gone'`;
const IN_ORDER = sql`
  ORDER BY ${comments.post}, ${comments.parent}, ${comments.id} LIMIT ${literal(REMOVED_PER_STEP)}`;
const ANYWHERE = textOf(sql`${next} AND ?5 = '' ${IN_ORDER}`);
const UNDER_POSTS_OF = textOf(sql`
  ${next} AND EXISTS (SELECT 1 FROM ${posts} WHERE ${posts.id} = ${comments.post} AND ${posts.author} = ?5) ${IN_ORDER}`);
