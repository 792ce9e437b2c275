/**
 * Takes deleted posts out of feeds, and puts in the author's older posts that take their place. Costs about as much as
 * delivering the post did. The feeds of large authors' followers keep their few old entries, which lead nowhere.
 */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { EffectId, PersonId, PostId } from "../../schema/ids.ts";
import { byDatabase, databaseOf } from "../../schema/d1/shards.ts";
import { bare, list, literal, textOf } from "../../schema/d1/sql.ts";
import { effects as effectsTable, people, type Reach } from "../../schema/tables/people.ts";
import { feed, posts } from "../../schema/tables/posts.ts";
import { followersOf } from "../reads/follows.ts";
import { deleteEffects, newEffect, replaceEffects, saveEffectWith } from "../storage/effects.ts";
import { oldestActiveDay } from "./dormant.ts";
import { ENTRIES_PER_AUTHOR } from "./feed-limit.ts";
import { readsPushed } from "./fan-out.ts";
import { refillsDueStatement, requestRefills } from "./refill.ts";

/** The most followers whose feeds one message changes. */
export const WITHDRAWN_PER_MESSAGE = 1000;

type Withdrawal = Extract<Effect, { kind: "withdraw" }>;

/**
 * Returns the effect of a deletion and the statement that saves it, for the batch that deletes the post, before that. It
 * saves nothing if D1 does not have the post, so that no feed has it, or if it is not among the newest of its author.
 *
 * With the effect it stores `from`: the oldest post of the author that feeds held until now. Each deletion makes room for
 * one that is older.
 */
export function withdrawalOf(post: PostId, author: PersonId): { effect: Withdrawal; statement: Statement } {
  const effect = newEffect(post, { kind: "withdraw", author, posts: [post] });
  return { effect, statement: saveEffectWith(effect, { name: "from", value: OLDEST }, IS_IN_FEEDS, [post, author]) };
}

const OLDEST = textOf(sql`coalesce((
  SELECT ${posts.id} FROM ${posts} WHERE ${posts.author} = ?5
  ORDER BY ${posts.id} DESC LIMIT 1 OFFSET ${literal(ENTRIES_PER_AUTHOR - 1)}), '')`);
const IS_IN_FEEDS = `EXISTS (${textOf(sql`SELECT 1 FROM ${posts} WHERE ${posts.id} = ?4`)}) AND ?4 >= ${OLDEST}`;

/**
 * Applies effects, those of one author together. For each author it costs one D1 batch, one query for the followers, and
 * one batch for each of their databases, which writes a row or two for each follower and post. After a full page it
 * continues in another message, and the progress is stored with one of the effects.
 */
export async function withdrawPosts(env: Env, effects: readonly Withdrawal[]): Promise<void> {
  const byAuthor = Map.groupBy(effects, ({ author, after }) => `${author} ${after ?? ""}`);
  for (const group of byAuthor.values()) await withdrawOfAuthor(env, group);
}

async function withdrawOfAuthor(env: Env, group: readonly Withdrawal[]): Promise<void> {
  const [first] = group;
  if (!first) return;
  const { author, after } = first;
  const ids = group.map(({ id }) => id);
  const state = await stateOf(env, author, ids);
  if (!state) return; // Everything is done.
  const page = state.reach === "merged" ? [] : await followersOf(env, author, after, WITHDRAWN_PER_MESSAGE);
  const deleted = [...new Set(group.flatMap((effect) => effect.posts))];
  const readers = after === undefined ? [author, ...page] : page; // The author's own feed has them too.
  const due = await Promise.all(
    [...byDatabase(env, readers, (reader) => reader)].map(async ([database, own]) => {
      const params = [JSON.stringify(own), JSON.stringify(deleted)] as const;
      const results = await database.patient.batch<{ id: PersonId }>([
        statement(NOTE_GAPS, ...params),
        statement(WITHDRAW, ...params),
        statement(RESTORE, JSON.stringify(own), JSON.stringify(state.older), author, oldestActiveDay()),
        statement(RESTORE_OWN, JSON.stringify(own), JSON.stringify(state.older), author),
        refillsDueStatement(own),
      ]);
      return results.at(-1)?.rows ?? [];
    }),
  );
  const readersDue = due.flat().map(({ id }) => id);
  await requestRefills(env, readersDue, { isSpread: true });
  const last = page.length === WITHDRAWN_PER_MESSAGE ? page.at(-1) : undefined;
  if (!last) return deleteEffects(env, ids);
  const rest = { ...first, posts: deleted, after: last, from: state.from };
  await replaceEffects(env, rest, ids.slice(1));
}

/**
 * Reads how the author's posts reach their readers, from where on posts may be missing, and the newest of those. Returns
 * undefined if all the effects are done. Costs one D1 batch.
 */
async function stateOf(env: Env, author: PersonId, ids: readonly EffectId[]) {
  const stored = JSON.stringify(ids);
  const [state, older] = await databaseOf(env, author).patient.batch<object>([
    statement(STATE, author, stored),
    statement(OLDER, author, stored),
  ]);
  const [found] = (state?.rows ?? []) as { reach: Reach; from: PostId | "" | null }[];
  if (!found || found.from === null) return undefined;
  return { ...found, from: found.from, older: ((older?.rows ?? []) as { id: PostId }[]).map(({ id }) => id) };
}

const FROM = sql`(
  SELECT max(${effectsTable.body} ->> 'from') FROM ${effectsTable}
  WHERE ${effectsTable.id} IN (SELECT value FROM json_each(?2)))`;
const STATE = textOf(sql`
  SELECT coalesce((SELECT ${people.reach} FROM ${people} WHERE ${people.id} = ?1), 'pushed') AS "reach",
    ${FROM} AS "from"`);
const OLDER = textOf(sql`
  SELECT id FROM (
    SELECT ${posts.id} AS id FROM ${posts} WHERE ${posts.author} = ?1
    ORDER BY ${posts.id} DESC LIMIT ${literal(ENTRIES_PER_AUTHOR)})
  WHERE id < ${FROM}`);

const HAS_LOST = sql`
  FROM json_each(?2) AS deleted CROSS JOIN ${feed} ON ${feed.reader} = ${people.id} AND ${feed.post} = deleted.value`;
const NOTE_GAPS = textOf(sql`
  UPDATE ${people} SET ${bare(people.feedGaps)} = ${people.feedGaps} + (SELECT count(*) ${HAS_LOST})
  WHERE ${people.id} IN (SELECT value FROM json_each(?1)) AND EXISTS (SELECT 1 ${HAS_LOST})`);

const WITHDRAW = textOf(sql`
  DELETE FROM ${feed} WHERE (${list(feed.reader, feed.post)}) IN (
    SELECT reader.value, deleted.value FROM json_each(?1) AS reader CROSS JOIN json_each(?2) AS deleted)`);

const INSERT_OLDER = sql`
  INSERT INTO ${feed} (${list(feed.reader, feed.post, feed.author)})
  SELECT reader.value, older.value, ?3 FROM json_each(?1) AS reader`;
const RESTORE = textOf(sql`
  ${INSERT_OLDER} ${readsPushed(sql`reader.value`, sql`?3`, sql`?4`)} CROSS JOIN json_each(?2) AS older
  WHERE true ON CONFLICT DO NOTHING`);
const RESTORE_OWN = textOf(sql`
  ${INSERT_OLDER} CROSS JOIN json_each(?2) AS older WHERE reader.value = ?3 ON CONFLICT DO NOTHING`);
