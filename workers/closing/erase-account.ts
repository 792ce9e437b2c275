/** The effect of closing an account: erases everything that names the person, and proves that nothing is left. */
import { getTableName, sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { databaseOf, databases } from "../../schema/d1/shards.ts";
import { bare, textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import { closings, type Traces } from "../../schema/tables/closings.ts";
import { continueEffect, deleteEffect } from "../storage/effects.ts";
import { eraseActivity } from "./activity.ts";
import { closeEverywhere } from "./close.ts";
import { eraseFiles } from "./files.ts";
import { eraseMessages, forgetDocuments } from "./messages.ts";
import { eraseOwnPosts } from "./own-posts.ts";
import { eraseOwnRows } from "./own-rows.ts";
import { eraseBlocks, eraseFollowers, eraseFollowing } from "./relations.ts";
import { countSql, ERASED } from "./tables.ts";

/** Bounds a message. A page costs up to about 80 calls of actors and stores. */
const PAGES_PER_MESSAGE = 5;

/**
 * Each erases one page of what is left and returns whether there may be more, so a message may be repeated, lost or run
 * twice at once. They are in this order because posts must not go before the comments that people made on them are
 * taken out of inboxes, and the own rows hold what the others look for.
 */
const STEPS: readonly ((env: Env, person: PersonId) => Promise<boolean>)[] = [
  eraseActivity,
  eraseOwnPosts,
  eraseFollowers,
  eraseFollowing,
  eraseBlocks,
  eraseFiles,
  eraseOwnRows,
  eraseMessages,
];

/**
 * Erases up to PAGES_PER_MESSAGE pages, then continues in another message. When nothing is left to erase it counts what
 * still names the person. The effect is done once that is nothing; until then cron repeats it, because what is left is
 * on its way: an effect, or the facts of an actor.
 */
export async function eraseAccount(env: Env, effect: Extract<Effect, { kind: "close" }>): Promise<void> {
  const { id, person } = effect;
  const home = databaseOf(env, person).patient;
  const closing = await home.first<{ handle: string | null; before: string | null }>(CLOSING, person);
  if (!closing) return deleteEffect(env, id);
  await closeEverywhere(env, person);
  if (closing.before === null) {
    await home.run(SAVE_BEFORE, person, JSON.stringify(await tracesOf(env, person)));
  }
  let pages = 0;
  for (const step of STEPS) {
    while (await step(env, person)) {
      pages += 1;
      if (pages >= PAGES_PER_MESSAGE) return continueEffect(env, effect);
    }
  }
  await forgetDocuments(env, person, closing.handle);
  const left = await tracesOf(env, person);
  const isDone = Object.values(left).every((count) => count === 0);
  const proof: Statement = statement(SAVE_PROOF, person, JSON.stringify(left), isDone ? Date.now() : null);
  await (isDone ? deleteEffect(env, id, [proof]) : home.batch([proof]));
}

const CLOSING = textOf(sql`
  SELECT ${closings.handle}, ${closings.before} FROM ${closings} WHERE ${closings.person} = ?1`);
const SAVE_BEFORE = textOf(sql`
  UPDATE ${closings} SET ${bare(closings.before)} = ?2 WHERE ${closings.person} = ?1 AND ${closings.before} IS NULL`);
// A late copy of an effect that is done must not leave an account as unfinished that nothing would finish.
const SAVE_PROOF = textOf(sql`
  UPDATE ${closings} SET ${bare(closings.remaining)} = ?2, ${bare(closings.doneAt)} = coalesce(?3, ${closings.doneAt})
  WHERE ${closings.person} = ?1`);

const COUNTS = ERASED.map((erased) => ({ name: getTableName(erased.table), text: countSql(erased) }));

/** Counts the rows that name a person, by table, in all databases. Costs one batch a database. */
export async function tracesOf(env: Env, person: PersonId): Promise<Traces> {
  const counted = await Promise.all(
    databases(env).map((database) =>
      database.patient.batch<{ count: number }>(COUNTS.map(({ text }) => statement(text, person))),
    ),
  );
  return Object.fromEntries(
    COUNTS.map(({ name }, index) => [
      name,
      counted.reduce((sum, results) => sum + (results[index]?.rows[0]?.count ?? 0), 0),
    ]),
  );
}
