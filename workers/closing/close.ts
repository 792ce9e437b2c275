/**
 * Closes an account. One transaction in the person's database removes the person, their password and their sessions, and
 * marks the account as closed: from then on nobody finds the person or their posts, and nobody can sign in. The effect
 * that is saved with it erases the rest (erase-account.ts).
 */
import { sql } from "drizzle-orm";
import { type Database, statement } from "../../schema/d1/database.ts";
import { databaseOf, databases } from "../../schema/d1/shards.ts";
import { list, textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { closedPeople, closings } from "../../schema/tables/closings.ts";
import { credentials, passkeys, people, sessions } from "../../schema/tables/people.ts";
import { pushSubscriptions } from "../../schema/tables/push.ts";
import { closeSockets } from "../notifications/socket-hints.ts";
import { audiences } from "../reads/documents.ts";
import { dropPostsBy } from "../reads/stored-posts.ts";
import { newEffect, saveEffectIf, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { forgetDocuments } from "./messages.ts";

/**
 * Closes the account and ends its live sockets. Returns false if there is no such person (any more). Costs one batch, one
 * query for the sockets and a call of each relay that has one, and two deletions in KV.
 */
export async function closeAccount(env: Env, person: PersonId, now = Date.now()): Promise<boolean> {
  return withFreshIds(async () => {
    const effect = newEffect(person, { kind: "close", person } as const);
    const [found, saved] = await databaseOf(env, person).batch<{ handle: string }>([
      statement(HANDLE, person),
      saveEffectIf(effect, EXISTS, [person]),
      statement(NOTE, person, now),
      statement(CLOSE_HERE, person),
      ...DELETIONS.map((text) => statement(text, person)),
    ]);
    if (!saved || saved.changes === 0) return false;
    await Promise.all([
      closeSockets(env, person),
      forgetDocuments(env, person, found?.rows[0]?.handle ?? null),
      sendEffect(env, effect),
    ]);
    audiences.drop(person);
    dropPostsBy(person);
    return true;
  });
}

/** Marks the account as closed in every database, so that each keeps out what arrives late. Costs one query a database. */
export async function closeEverywhere(env: Env, person: PersonId): Promise<void> {
  await Promise.all(databases(env).map((database) => database.patient.run(CLOSE, person)));
}

/** Marks in `target` all accounts that are closed in `source`. Costs two queries for a thousand of them. */
export async function copyClosedPeople(source: Database, target: Database): Promise<void> {
  for (let after = ""; ;) {
    const page = await source.all<{ person: PersonId }>(CLOSED, after, COPIED_PER_CALL);
    const last = page.at(-1);
    if (!last) return;
    await target.run(CLOSE_ALL, JSON.stringify(page.map(({ person }) => person)));
    after = last.person;
  }
}

const COPIED_PER_CALL = 1000;
const CLOSED = textOf(sql`
  SELECT ${closedPeople.person} FROM ${closedPeople} WHERE ${closedPeople.person} > ?1
  ORDER BY ${closedPeople.person} LIMIT ?2`);
const CLOSE_ALL = textOf(sql`
  INSERT INTO ${closedPeople} (${list(closedPeople.person)}) SELECT value FROM json_each(?1) WHERE true
  ON CONFLICT DO NOTHING`);

const HANDLE = textOf(sql`SELECT ${people.handle} FROM ${people} WHERE ${people.id} = ?1`);
const EXISTS = textOf(sql`EXISTS (SELECT 1 FROM ${people} WHERE ${people.id} = ?4)`);
const NOTE = textOf(sql`
  INSERT INTO ${closings} (${list(closings.person, closings.handle, closings.closedAt)})
  SELECT ${people.id}, ${people.handle}, ?2 FROM ${people} WHERE ${people.id} = ?1`);
const CLOSE = textOf(
  sql`INSERT INTO ${closedPeople} (${list(closedPeople.person)}) VALUES (?1) ON CONFLICT DO NOTHING`,
);
const CLOSE_HERE = textOf(sql`
  INSERT INTO ${closedPeople} (${list(closedPeople.person)})
  SELECT ${people.id} FROM ${people} WHERE ${people.id} = ?1 ON CONFLICT DO NOTHING`);

/** The person goes last, because the statements before look for them. */
const DELETIONS = [
  textOf(sql`DELETE FROM ${credentials} WHERE ${credentials.person} = ?1`),
  textOf(sql`DELETE FROM ${passkeys} WHERE ${passkeys.person} = ?1`),
  textOf(sql`DELETE FROM ${sessions} WHERE ${sessions.person} = ?1`),
  textOf(sql`DELETE FROM ${pushSubscriptions} WHERE ${pushSubscriptions.person} = ?1`),
  textOf(sql`DELETE FROM ${people} WHERE ${people.id} = ?1`),
];
