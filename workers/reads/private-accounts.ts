/**
 * Says who is private, for authorization: as the primary had it, at most PRIVACY_LEASE ago. Becoming private is acknowledged
 * only after NOTICED_WITHIN, when no isolate can still take the person for public. So it holds for every request that
 * begins after the response, while a popular author costs one query a second.
 */
import { sql } from "drizzle-orm";
import { KV_TIMEOUT, within } from "../../schema/d1/deadline.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { isInLease, PRIVACY_LEASE } from "../../schema/viewing.ts";
import { people as peopleTable } from "../../schema/tables/people.ts";
import { posts } from "../../schema/tables/posts.ts";
import { Memory } from "../storage/memory.ts";
import type { Reader } from "../storage/reader.ts";
import { settleKvWrite } from "../storage/tiers.ts";

/** PRIVACY_LEASE plus the drift of clocks and timers in a second. */
export const NOTICED_WITHIN = PRIVACY_LEASE + 100; // ms
const PEOPLE_MAX = 10_000;
const AUTHORS_MAX = 20_000;

/** Whether each person is private, as of the moment before the query was sent. */
const leases = new Memory<PersonId, boolean>(PEOPLE_MAX);
/** Entries never expire, because a post's author never changes. */
const authors = new Memory<PostId, PersonId>(AUTHORS_MAX);

/**
 * Returns those of `people` who are private. Costs nothing for people who were looked up in the last second, and one D1
 * query for each database of the others. When that query fails, it throws if one of them may be private (the response
 * is `unavailable`); otherwise all of them count as public and the response is stale.
 */
export async function privateAmong(reader: Reader, people: ReadonlySet<PersonId>): Promise<Set<PersonId>> {
  const known = new Map([...people].map((person) => [person, knownPrivacy(person)] as const));
  const unknown = [...people].filter((person) => known.get(person) === undefined);
  if (unknown.length > 0) for (const [person, is] of await readPrivacy(reader, unknown)) known.set(person, is);
  return new Set([...people].filter((person) => known.get(person) !== false));
}

/** Returns whether a person is private if this isolate has read it within PRIVACY_LEASE, and undefined otherwise. */
export function knownPrivacy(person: PersonId): boolean | undefined {
  const lease = leases.get(person);
  return lease && isInLease(lease.at, Date.now()) ? lease.value : undefined;
}

async function readPrivacy(reader: Reader, people: readonly PersonId[]): Promise<Map<PersonId, boolean>> {
  const at = Date.now();
  try {
    const rows = await reader.primariesByIds<{ id: PersonId; private: 0 | 1 }>(people, PRIVATE);
    const stored = new Map(rows.map(({ id, private: is }) => [id, is === 1]));
    for (const person of people) learnPrivacy(person, stored.get(person) ?? false, at);
    return new Map(people.map((person) => [person, stored.get(person) ?? false]));
  } catch (error) {
    if (await mayBePrivate(reader, people)) throw error;
    reader.served.isStale = true;
    return new Map(people.map((person) => [person, false]));
  }
}

const PRIVATE = textOf(sql`
  SELECT ${peopleTable.id}, ${peopleTable.private} FROM ${peopleTable}
  WHERE ${peopleTable.id} IN (SELECT value FROM json_each(?1))`);

/**
 * Records whether a person is private, as another query has read it from the primary. `at` is when that query was sent,
 * in ms since 1970: a slow query may return after one that was sent later.
 */
export function learnPrivacy(person: PersonId, is: boolean, at: number): void {
  const before = leases.get(person);
  if (!before || before.at <= at) leases.set(person, is, at);
}

/**
 * Returns the author of a post, or undefined when D1 does not have it. Costs nothing for a post that this isolate has
 * seen before; otherwise one D1 query, which also reads whether the author is private.
 */
export async function authorOf(reader: Reader, post: PostId): Promise<PersonId | undefined> {
  const known = authors.get(post);
  if (known) return known.value;
  const at = Date.now();
  const [row] = await reader.primary<{ author: PersonId; private: 0 | 1 | null }>(post, AUTHOR, post);
  if (!row) return undefined;
  learnAuthor(post, row.author);
  learnPrivacy(row.author, row.private === 1, at);
  return row.author;
}

const AUTHOR = textOf(sql`
  SELECT ${posts.author}, ${peopleTable.private}
  FROM ${posts} LEFT JOIN ${peopleTable} ON ${peopleTable.id} = ${posts.author} WHERE ${posts.id} = ?1`);

/** Records the author of a post that another query has read. */
export function learnAuthor(post: PostId, author: PersonId): void {
  if (!authors.get(post)) authors.set(post, author);
}

/**
 * Records in this isolate that a person has become private. For one who has become public, `forgetPrivacy` makes it
 * ask D1 again instead, since they may be private again by now.
 */
export const noteIsPrivate = (person: PersonId): void => leases.set(person, true);
export const forgetPrivacy = (person: PersonId): void => leases.delete(person);

/**
 * Notes in KV that a person has ever been private, and that somebody in their shard has, for posts of unknown author.
 * Read only while D1 is down, and written before the person becomes private, so that an outage does not expose them. KV
 * may take a minute to show it.
 */
export async function copyPrivate(env: Env, person: PersonId): Promise<void> {
  const keys = [personKey(person), shardKey(shardOf(person))];
  await Promise.all(keys.map((key) => settleKvWrite(env.DOCUMENTS.put(key, "1"))));
}

/**
 * Returns whether one of `people` has ever been private, for when D1 is down. True if KV fails as well. Costs one KV
 * read.
 */
export const mayBePrivate = (reader: Reader, people: readonly PersonId[]): Promise<boolean> =>
  isNoted(reader, people.map(personKey));
/** Returns whether a post of unknown author may be by a private person: somebody in its shard has ever been private. */
export const mayBeByPrivate = (reader: Reader, post: PostId): Promise<boolean> =>
  isNoted(reader, [shardKey(shardOf(post))]);

async function isNoted({ env, served }: Reader, keys: string[]): Promise<boolean> {
  try {
    const notes = await served.timed("kv", () => within(KV_TIMEOUT, env.DOCUMENTS.get(keys), "KV"));
    return [...notes.values()].some((note) => note !== null);
  } catch {
    return true;
  }
}

const personKey = (person: PersonId) => `private:${person}`;
const shardKey = (shard: number) => `private:shard:${shard}`;
