/** Makes many readers at once for tests of delivery, with the rows that fan-out reads but without handles. */
import { env } from "cloudflare:workers";
import { type PersonId, type PostId, shardOf } from "../../../schema/ids.ts";
import { setBased } from "../../../schema/d1/set-based.ts";
import { byD1, d1Of, allD1, prepared } from "../stores/d1.ts";
import { today } from "../../../workers/feeds/dormant.ts";
import { newPerson } from "./posts.ts";

/** Makes people who were last seen `daysAgo`. */
export async function newReaders(count: number, daysAgo = 0): Promise<PersonId[]> {
  const readers = Array.from({ length: count }, newPerson);
  for (const [database, group] of byD1(env, readers, (reader) => reader)) {
    const rows = group.map((reader) => [reader, today() - daysAgo]);
    await database.batch(prepared(database, setBased(PEOPLE, rows)));
  }
  return readers;
}

/** Makes one person, last seen `daysAgo`. */
export async function newReader(daysAgo = 0): Promise<PersonId> {
  const [reader] = await newReaders(1, daysAgo);
  if (!reader) throw new Error("no reader was made");
  return reader;
}

/** Makes each of `readers` follow `author`: writes the facts and their mirrors. */
export async function followAll(readers: readonly PersonId[], author: PersonId): Promise<void> {
  for (const [database, group] of byD1(env, readers, (reader) => reader)) {
    const rows = group.map((reader) => [reader, author]);
    await database.batch(prepared(database, setBased(FOLLOWING, rows)));
  }
  const database = d1Of(env, author);
  const mirrors = readers.map((reader) => [author, shardOf(reader), reader]);
  await database.batch(prepared(database, setBased(FOLLOWERS, mirrors)));
}

/** Sets a bell for `author` for each of `readers`, who must follow them: writes the facts and their mirrors. */
export async function ringAll(readers: readonly PersonId[], author: PersonId): Promise<void> {
  for (const [database, group] of byD1(env, readers, (reader) => reader)) {
    await database.prepare(RING).bind(JSON.stringify(group), author).run();
  }
  await d1Of(env, author).prepare(RING_MIRRORS).bind(JSON.stringify(readers), author).run();
}

/** Returns the recipients of notifications of a new post, in no particular order. */
export async function recipientsOf(post: PostId): Promise<PersonId[]> {
  const pages = allD1(env).map((database) =>
    database
      .prepare("SELECT recipient FROM notifications WHERE kind = 'new_post' AND subject = ? AND raised > 0")
      .bind(post)
      .all<{ recipient: PersonId }>(),
  );
  return (await Promise.all(pages)).flatMap(({ results }) => results.map(({ recipient }) => recipient));
}

const PEOPLE =
  "INSERT INTO people (id, handle, name, seen_day) SELECT value ->> 0, value ->> 0, '', value ->> 1 FROM json_each(?1)";
const FOLLOWING =
  "INSERT INTO following (follower, followee, active, version) SELECT value ->> 0, value ->> 1, 1, 1 FROM json_each(?1)";
const FOLLOWERS = `INSERT INTO followers (followee, follower_shard, follower, active, version)
  SELECT value ->> 0, value ->> 1, value ->> 2, 1, 1 FROM json_each(?1)`;
const RING = `UPDATE following SET bell = 1, version = version + 1
  WHERE follower IN (SELECT value FROM json_each(?1)) AND followee = ?2`;
const RING_MIRRORS = `UPDATE followers SET bell = 1, version = version + 1
  WHERE followee = ?2 AND follower IN (SELECT value FROM json_each(?1))`;
