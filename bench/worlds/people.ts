/** Signed-in people, as sign-up creates them, but without passwords, whose hashes would take minutes. */
import { createHash, randomBytes } from "node:crypto";
import { newId, type PersonId, randomShard, type SessionId, shardOf } from "../../schema/ids.ts";
import { CREATE_TOKEN_KEY, issueWith, TOKEN_KEY } from "../../scripts/local-server/issued-tokens.ts";
import type { Database } from "../../scripts/local-server/tools.ts";

/** `headers` carry the person's session. */
export type Person = { id: PersonId; headers: Record<string, string> };
export type SignedIn = Person & { session: SessionId; secretHash: string };

export const DAY = 24 * 60 * 60 * 1000;

/**
 * Makes people with sessions. Each id has its own millisecond, because ids of one millisecond may collide. `key` is the
 * deployment's key of tokens.
 */
export const makePeople = (key: string, count: number, newest: number): SignedIn[] =>
  Array.from({ length: count }, (_, index) => {
    const id = newId<PersonId>(randomShard(), newest - index);
    const session = newId<SessionId>(shardOf(id), newest - index);
    const secret = randomBytes(32).toString("base64url");
    const secretHash = createHash("sha256").update(secret).digest("base64url");
    const token = issueWith(key, "session", `${id}.${session}.${secret}`);
    return { id, session, secretHash, headers: { authorization: `Bearer ${token}` } };
  });

/** Inserts `count` people with sessions into a running product's database. */
export async function newPeople(database: Database, count: number): Promise<Person[]> {
  const now = Date.now();
  const key = await tokenKeyOf(database);
  const people = makePeople(key, count, now);
  const rows = JSON.stringify(people.map(({ id, session, secretHash }) => [id, session, secretHash]));
  await database.batch([
    database.prepare(`${PEOPLE} FROM json_each(?2)`).bind(Math.floor(now / DAY), rows),
    database.prepare(`${SESSIONS} FROM json_each(?2)`).bind(now + DAY, rows),
  ]);
  return people.map(({ id, headers }) => ({ id, headers }));
}

export const newTokenKey = (): string => randomBytes(32).toString("base64");

/** Returns the key of tokens of a running product. */
export async function tokenKeyOf(database: Database): Promise<string> {
  const [, read] = await database.batch([
    database.prepare(CREATE_TOKEN_KEY).bind(newTokenKey()),
    database.prepare(TOKEN_KEY),
  ]);
  return String(read?.results[0]?.["value"]);
}

const PEOPLE = "INSERT INTO people (id, handle, name, seen_day) SELECT value ->> 0, value ->> 0, 'Bench', ?1";
const SESSIONS = `
  INSERT INTO sessions (id, person, secret_hash, expires_at) SELECT value ->> 1, value ->> 0, value ->> 2, ?1`;
