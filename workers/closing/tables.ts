/**
 * What closing an account does with each table: a test compares this list with all tables of the schema. The counts of
 * these rows are the proof that an account is erased.
 */
import { type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { list, literal, textOf } from "../../schema/d1/sql.ts";
import * as closings from "../../schema/tables/closings.ts";
import * as exports from "../../schema/tables/exports.ts";
import * as moderation from "../../schema/tables/moderation.ts";
import * as notifications from "../../schema/tables/notifications.ts";
import * as operations from "../../schema/tables/operations.ts";
import * as people from "../../schema/tables/people.ts";
import * as posts from "../../schema/tables/posts.ts";
import * as push from "../../schema/tables/push.ts";
import * as shards from "../../schema/tables/shards.ts";

/** A table whose rows are erased. `names`: SQL over a row that names the person ?1; it must be found by an index. */
type Erased = {
  table: SQLiteTable;
  names: SQL;
  /** The column of the person whose row it is, if deleting the row is all there is to do. */
  own?: SQLiteColumn;
};

const own = (table: SQLiteTable, column: SQLiteColumn): Erased => ({ table, names: sql`${column} = ?1`, own: column });
const byStep = (table: SQLiteTable, names: SQL): Erased => ({ table, names });

export const ERASED: readonly Erased[] = [
  own(people.people, people.people.id),
  own(people.credentials, people.credentials.person),
  own(people.passkeys, people.passkeys.person),
  own(people.recoverySecrets, people.recoverySecrets.person),
  own(people.sessions, people.sessions.person),
  own(people.livePlaces, people.livePlaces.person),
  own(notifications.notifications, notifications.notifications.recipient),
  own(notifications.notificationPreferences, notifications.notificationPreferences.person),
  own(notifications.quietHours, notifications.quietHours.person),
  own(notifications.mutedPosts, notifications.mutedPosts.person),
  own(push.pushSubscriptions, push.pushSubscriptions.person),
  own(posts.feed, posts.feed.reader),
  own(posts.idempotencyKeys, posts.idempotencyKeys.person),
  own(exports.exportDownloads, exports.exportDownloads.person),
  {
    ...own(moderation.reports, moderation.reports.reporter),
    names: sql`(${moderation.reports.reporter} = ?1 OR ${moderation.reports.subject} = ?1)`,
  },
  own(moderation.cases, moderation.cases.person),
  own(moderation.decisions, moderation.decisions.person),
  // The rows of others that name the person have an index too, and need no step of their own.
  { ...own(notifications.mutes, notifications.mutes.person), names: namesEither(notifications.mutes) },
  byStep(people.following, sql`${people.following.follower} = ?1`),
  byStep(people.followers, sql`${people.followers.followee} = ?1`),
  byStep(people.blocks, sql`${people.blocks.person} = ?1`),
  byStep(posts.posts, sql`${posts.posts.author} = ?1`),
  byStep(posts.likes, sql`${posts.likes.person} = ?1`),
  byStep(posts.comments, sql`${posts.comments.author} = ?1`),
  byStep(posts.commentLikes, sql`${posts.commentLikes.person} = ?1`),
  byStep(posts.media, sql`${posts.media.owner} = ?1`),
  // These two hold messages. Nearly all live for a second, and what failed for good is at most 10,000 rows.
  byStep(people.effects, sql`instr(${people.effects.body}, ?1) > 0 AND ${people.effects.body} ->> 'kind' <> 'close'`),
  byStep(operations.deadLetters, sql`instr(${operations.deadLetters.body}, ?1) > 0`),
];

function namesEither({ person, other }: { person: SQLiteColumn; other: SQLiteColumn }): SQL {
  return sql`(${person} = ?1 OR ${other} = ?1)`;
}

/** The tables whose rows stay, and why. */
export const KEPT: readonly { table: SQLiteTable; because: string }[] = [
  { table: people.handles, because: "reserves the handle for 30 days, then goes" },
  { table: people.lookalikes, because: "reserves what looks like the handle, as long as that" },
  { table: closings.closedPeople, because: "keeps out what arrives late; holds the random id and nothing else" },
  { table: closings.closings, because: "the proof, for 90 days" },
  { table: posts.postStats, because: "keeps late facts from bringing a deleted post back; names no person" },
  { table: moderation.moderationLog, because: "the acts of moderators, for a year; an id that leads nowhere" },
  { table: operations.siteFilters, because: "names no person" },
  { table: posts.likeDigests, because: "sums over many people" },
  { table: operations.measures, because: "names no person" },
  { table: operations.secrets, because: "names no person" },
  { table: shards.shardMoves, because: "names no person" },
  { table: shards.closedShards, because: "names no person" },
  { table: shards.movingShards, because: "names no person" },
  { table: shards.notedChanges, because: "keys of rows that are being moved; the move deletes them" },
  { table: shards.mover, because: "names no person" },
];

/** The most rows that one count reads. */
const COUNTED_UP_TO = 1_000_000;

/** Counts the rows of a table in one database that name the person ?1. */
export const countSql = ({ table, names }: Erased): string =>
  textOf(sql`SELECT count(*) AS "count" FROM (SELECT 1 FROM ${table} WHERE ${names} LIMIT ${literal(COUNTED_UP_TO)})`);

/** Deletes up to ?2 rows of a table that name the person ?1. */
export const deleteSql = ({ table, names }: Erased, keys: readonly SQLiteColumn[]): string =>
  textOf(sql`
    DELETE FROM ${table} WHERE (${list(...keys)}) IN (SELECT ${list(...keys)} FROM ${table} WHERE ${names} LIMIT ?2)`);
