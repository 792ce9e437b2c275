/**
 * Who is private, for authorisation: as the primary says it, and never older than LEASE. Whoever becomes private is answered
 * only when that time is over (NOTICED_WITHIN), in which no isolate can take them for public any more. So it holds for every
 * request that begins after the answer, and posts that many read cost one question a second.
 */
import { KV_ANSWERS_WITHIN, within } from "../../schema/d1/deadline.ts";
import { type PersonId, type PostId, shardOf } from "../../schema/ids.ts";
import { Memory } from "../storage/memory.ts";
import type { Reader } from "../storage/reader.ts";
import { settled } from "../storage/tiers.ts";

export const LEASE = 1000; // ms
/** With what clocks may differ in a second, and timers. */
export const NOTICED_WITHIN = LEASE + 100; // ms
const PEOPLE_MAX = 10_000;
const AUTHORS_MAX = 20_000;

/** Each as of a moment before it was asked for. */
const leases = new Memory<PersonId, boolean>(PEOPLE_MAX);
/** A post's author never changes. */
const authors = new Memory<PostId, PersonId>(AUTHORS_MAX);

/**
 * Those of `people` who are private. Costs nothing for who was asked about in the last second; else one D1 query for each
 * database. While that fails, whoever may be private counts as it: the answer is the refusal `unavailable`.
 */
export async function privateAmong(reader: Reader, people: ReadonlySet<PersonId>): Promise<Set<PersonId>> {
  const known = new Map([...people].map((person) => [person, leaseOf(person)] as const));
  const asked = [...people].filter((person) => known.get(person) === undefined);
  if (asked.length > 0) for (const [person, is] of await askedAbout(reader, asked)) known.set(person, is);
  return new Set([...people].filter((person) => known.get(person) !== false));
}

/** What this isolate has just heard of a person; undefined when it knows nothing. */
export function leaseOf(person: PersonId): boolean | undefined {
  const lease = leases.get(person);
  const age = lease ? Date.now() - lease.at : LEASE;
  return age >= 0 && age < LEASE ? lease?.value : undefined; // A clock may be set back.
}

async function askedAbout(reader: Reader, people: readonly PersonId[]): Promise<Map<PersonId, boolean>> {
  const at = Date.now();
  try {
    const rows = await reader.primariesByIds<{ id: PersonId; private: 0 | 1 }>(people, PRIVATE);
    const answers = new Map(rows.map(({ id, private: is }) => [id, is === 1]));
    for (const person of people) learnStanding(person, answers.get(person) ?? false, at);
    return new Map(people.map((person) => [person, answers.get(person) ?? false]));
  } catch (error) {
    if (await mayBePrivate(reader, people)) throw error;
    reader.served.isStale = true;
    return new Map(people.map((person) => [person, false]));
  }
}

const PRIVATE = "SELECT id, private FROM people WHERE id IN (SELECT value FROM json_each(?1))";

/**
 * For who has read it at the primary together with something else; `at`: when they asked, in ms since 1970. A query that was
 * slow may come back behind one that began later.
 */
export function learnStanding(person: PersonId, is: boolean, at: number): void {
  const before = leases.get(person);
  if (!before || before.at <= at) leases.set(person, is, at);
}

/**
 * The author of a post that D1 has; undefined of any other. Costs nothing for a post that was asked about here before; else
 * one D1 query, which tells whether they are private as well.
 */
export async function authorOf(reader: Reader, post: PostId): Promise<PersonId | undefined> {
  const known = authors.get(post);
  if (known) return known.value;
  const at = Date.now();
  const [row] = await reader.primary<{ author: PersonId; private: 0 | 1 | null }>(post, AUTHOR, post);
  if (!row) return undefined;
  isBy(post, row.author);
  learnStanding(row.author, row.private === 1, at);
  return row.author;
}

const AUTHOR = "SELECT author, private FROM posts LEFT JOIN people ON people.id = author WHERE posts.id = ?1";

/** For who has read it elsewhere. */
export function isBy(post: PostId, author: PersonId): void {
  if (!authors.get(post)) authors.set(post, author);
}

/** After a change to it: this isolate knows. Of who has become public it asks, for they may be private again by now. */
export const noteIsPrivate = (person: PersonId): void => leases.set(person, true);
export const forgetStanding = (person: PersonId): void => leases.delete(person);

/**
 * Before somebody becomes private, for when D1 is down: KV knows who has ever been it, and in which shards somebody has, for
 * posts whose author nobody knows then. It may take a minute to know.
 */
export async function copyPrivate(env: Env, person: PersonId): Promise<void> {
  const keys = [personKey(person), shardKey(shardOf(person))];
  await Promise.all(keys.map((key) => settled(env.DOCUMENTS.put(key, "1"))));
}

/** While D1 cannot be asked. True when KV cannot be asked either. */
export const mayBePrivate = (reader: Reader, people: readonly PersonId[]): Promise<boolean> =>
  isNoted(reader, people.map(personKey));
export const mayBeByPrivate = (reader: Reader, post: PostId): Promise<boolean> =>
  isNoted(reader, [shardKey(shardOf(post))]);

async function isNoted({ env, served }: Reader, keys: string[]): Promise<boolean> {
  try {
    const notes = await served.timed("kv", () => within(KV_ANSWERS_WITHIN, env.DOCUMENTS.get(keys), "KV"));
    return [...notes.values()].some((note) => note !== null);
  } catch {
    return true;
  }
}

const personKey = (person: PersonId) => `private:${person}`;
const shardKey = (shard: number) => `private:shard:${shard}`;
