/**
 * Refills: what leaves a feed makes room for posts that were trimmed before, so the feed is filled again with what the
 * rule of feed-limit.ts says.
 *
 * `people.feedGaps` counts the entries that have left since the feed was last filled, in the transaction that removes
 * them. With fewer than REFILL_FROM, the newest FEED_MAX - REFILL_FROM entries still are what the rule says, and nothing
 * more happens. From there on the effect of the change saves another one, the refill, which waits REFILL_AFTER seconds
 * so that many changes lead to one. `people.refill` names it until the feed is filled. A reader has at most one that has
 * not begun; a change that comes after a refill has read whom they follow leads to another.
 */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PersonId } from "../../schema/ids.ts";
import { byDatabase, databaseOf } from "../../schema/d1/shards.ts";
import { bare, list, literal, textOf } from "../../schema/d1/sql.ts";
import { following, people } from "../../schema/tables/people.ts";
import { feed } from "../../schema/tables/posts.ts";
import { deleteEffectStatement, newEffect, saveEffectIf, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { oldestActiveDay } from "./dormant.ts";
import { FEED_MAX, fillsSql, isHeardSql } from "./feed-limit.ts";
import { fillStatements, FOLLOWED, type Followee } from "./fill.ts";

/** How many entries may leave a full feed before it is filled again. */
export const REFILL_FROM = 100;
/** How long a refill waits for further changes, in seconds. */
const REFILL_AFTER = 5;
/** Over how many seconds more the refills of many readers spread, so that other effects do not wait for all of them. */
const REFILL_SPREAD = 40;

type RefillEffect = Extract<Effect, { kind: "refill" }>;

/**
 * Statements for a batch in the readers' database, for after they have unfollowed or muted `author`: they remove the
 * author's entries and note the gaps. Read the whole feeds, and write the entries and a row a reader. Write nothing for
 * readers in whose feeds the author's posts may still be, or for whom there are none.
 */
export const leaveFeedStatements = (readers: readonly PersonId[], author: PersonId): [Statement, Statement] => [
  statement(NOTE_GAPS, JSON.stringify(readers), author),
  statement(EMPTY_FEEDS, JSON.stringify(readers), author),
];

const LEAVING = sql`
  FROM json_each(?1) AS leaver CROSS JOIN ${feed} ON ${feed.reader} = leaver.value AND ${feed.author} = ?2
  WHERE NOT ${fillsSql(sql`leaver.value`, sql`?2`)}`;

// A feed with fewer entries has never been trimmed, unless it is being filled.
const NOTE_GAPS = textOf(sql`
  UPDATE ${people} SET ${bare(people.feedGaps)} = ${people.feedGaps} + leaving.number
  FROM (SELECT leaver.value AS reader, count(*) AS number ${LEAVING} GROUP BY 1) AS leaving
  WHERE ${people.id} = leaving.reader
    AND (${people.refill} IS NOT NULL OR ${literal(FEED_MAX - REFILL_FROM)} <= (
      SELECT count(*) FROM (
        SELECT 1 FROM ${feed} WHERE ${feed.reader} = leaving.reader LIMIT ${literal(FEED_MAX - REFILL_FROM)})))`);

const EMPTY_FEEDS = textOf(sql`
  DELETE FROM ${feed} WHERE (${list(feed.reader, feed.post)}) IN (SELECT ${feed.reader}, ${feed.post} ${LEAVING})`);

/**
 * The statement for a batch in the reader's database, before an unmute of `author`, whose posts are missing from the feed:
 * it notes so many gaps that the feed is filled. Writes nothing if they are not muted, not followed or merged at read.
 */
export const unmutedStatement = (reader: PersonId, author: PersonId): Statement => statement(UNMUTED, reader, author);

const UNMUTED = textOf(sql`
  UPDATE ${people} SET ${bare(people.feedGaps)} = ${people.feedGaps} + ${literal(FEED_MAX)}
  WHERE ${people.id} = ?1 AND NOT ${isHeardSql(sql`?1`, sql`?2`)} AND EXISTS (
    SELECT 1 FROM ${following} WHERE ${following.follower} = ?1 AND ${following.followee} = ?2
    AND ${following.active} = 1 AND ${following.merged} = 0)`);

/** SQL over a row of `people`: whether their feed must be filled, and no refill waits to begin. */
export const IS_REFILL_DUE = sql`(
  ${people.feedGaps} >= ${literal(REFILL_FROM)} AND (${people.refill} IS NULL OR ${people.refillBegun}))`;

/** A statement that returns the ids of those of the readers for whom a refill is due, for `requestRefills`. */
export const refillsDueStatement = (readers: readonly PersonId[]): Statement => statement(DUE, JSON.stringify(readers));

const DUE = textOf(sql`
  SELECT ${people.id} FROM ${people}
  WHERE ${people.id} IN (SELECT value FROM json_each(?1)) AND ${IS_REFILL_DUE}`);

type Refill = { statements: [Statement, Statement]; send: (env: Env) => Promise<void> };

/**
 * Returns the statements for a batch in the reader's database that save a refill if one is due by then. The caller must
 * `send` it if the first of them changed a row. They write at most two rows.
 */
export function refillOf(reader: PersonId, after = REFILL_AFTER): Refill {
  const effect = newEffect(reader, { kind: "refill", reader });
  const saved = saveEffectIf(effect, IS_DUE, [reader], Date.now() + after * 1000);
  return {
    statements: [saved, statement(WANT, reader, effect.id)],
    send: (env) => sendEffect(env, effect, after),
  };
}

const IS_DUE = textOf(sql`EXISTS (SELECT 1 FROM ${people} WHERE ${people.id} = ?4 AND ${IS_REFILL_DUE})`);
const WANT = textOf(sql`
  UPDATE ${people} SET ${bare(people.refill)} = ?2, ${bare(people.refillBegun)} = 0
  WHERE ${people.id} = ?1 AND ${IS_REFILL_DUE}`);

/**
 * Saves and sends refills for those of the readers for whom one is due. With `isSpread` they begin up to 45 s later instead
 * of 5 s. Costs one D1 batch a database.
 */
export async function requestRefills(env: Env, readers: readonly PersonId[], { isSpread = false } = {}): Promise<void> {
  const after = () => REFILL_AFTER + (isSpread ? Math.floor(Math.random() * REFILL_SPREAD) : 0);
  const requested = [...byDatabase(env, new Set(readers), (reader) => reader).values()].map((group) =>
    withFreshIds(async () => {
      const refills = group.map((reader) => refillOf(reader, after()));
      const [first] = group;
      if (!first) return;
      const statements = refills.flatMap((refill) => refill.statements);
      const results = await databaseOf(env, first).patient.batch(statements);
      const saved = refills.filter((_, index) => (results[2 * index]?.changes ?? 0) > 0);
      await Promise.all(saved.map(({ send }) => send(env)));
    }),
  );
  await Promise.all(requested);
}

/**
 * Fills a reader's feed. Costs one D1 batch, one query a database for each window of time, and one batch, which writes a
 * row for each missing entry. Does nothing if another refill has taken over or finished, nor for dormant readers, whose
 * next read rebuilds the feed. It may run repeatedly or late; until it is done, the feed is read as it is.
 */
export async function refillFeed(env: Env, { id, reader }: RefillEffect): Promise<void> {
  const database = databaseOf(env, reader).patient;
  const [begun, followed] = await database.batch<object>([statement(BEGIN, reader, id), statement(FOLLOWED, reader)]);
  const [row] = (begun?.rows ?? []) as { seenDay: number; rebuilding: 0 | 1 }[];
  const statements = [statement(FINISH, reader, id), deleteEffectStatement(id)];
  if (row && row.seenDay >= oldestActiveDay() && row.rebuilding === 0) {
    const authors = (followed?.rows ?? []) as Followee[];
    statements.unshift(...(await fillStatements(env, reader, authors)));
  }
  await database.batch(statements);
}

const BEGIN = textOf(sql`
  UPDATE ${people} SET ${bare(people.refillBegun)} = 1, ${bare(people.feedGaps)} = 0
  WHERE ${people.id} = ?1 AND ${people.refill} = ?2
  RETURNING ${bare(people.seenDay)} AS "seenDay", ${bare(people.rebuilding)}`);

const FINISH = textOf(sql`
  UPDATE ${people} SET ${bare(people.refill)} = NULL, ${bare(people.refillBegun)} = 0
  WHERE ${people.id} = ?1 AND ${people.refill} = ?2`);
