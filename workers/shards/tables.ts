/** The tables whose rows move, each with the column that determines the shard of a row. */
import { getTableName, sql } from "drizzle-orm";
import { getTableConfig, type SQLiteColumn, type SQLiteTable } from "drizzle-orm/sqlite-core";
import { shardOfHandleSql, shardOfIdSql } from "../../schema/d1/shard-sql.ts";
import { textOf } from "../../schema/d1/sql.ts";
import * as closings from "../../schema/tables/closings.ts";
import * as exports from "../../schema/tables/exports.ts";
import * as notifications from "../../schema/tables/notifications.ts";
import * as moderation from "../../schema/tables/moderation.ts";
import * as people from "../../schema/tables/people.ts";
import * as posts from "../../schema/tables/posts.ts";
import * as push from "../../schema/tables/push.ts";

export type MovedTable = {
  name: string;
  /** The columns of the primary key. */
  keys: string[];
  /** SQL: the shard of a row. `prefix` qualifies its column ("new.", "old." or nothing). */
  shardSql: (prefix?: string) => string;
};

function moved(table: SQLiteTable, home: SQLiteColumn, shardSql = shardOfIdSql): MovedTable {
  const { name, columns, primaryKeys } = getTableConfig(table);
  const keys = primaryKeys[0]?.columns ?? columns.filter((column) => column.primary);
  return {
    name,
    keys: keys.map((column) => column.name),
    shardSql: (prefix = "") => textOf(shardSql(sql.raw(prefix + home.name))),
  };
}

export const MOVED_TABLES: readonly MovedTable[] = [
  moved(people.people, people.people.id),
  moved(people.handles, people.handles.handle, shardOfHandleSql),
  moved(people.lookalikes, people.lookalikes.skeleton, shardOfHandleSql),
  moved(people.recoverySecrets, people.recoverySecrets.person),
  moved(people.credentials, people.credentials.person),
  moved(people.passkeys, people.passkeys.person),
  moved(people.sessions, people.sessions.id),
  moved(people.following, people.following.follower),
  moved(people.followers, people.followers.followee),
  moved(people.blocks, people.blocks.person),
  moved(notifications.notifications, notifications.notifications.recipient),
  moved(notifications.notificationPreferences, notifications.notificationPreferences.person),
  moved(notifications.quietHours, notifications.quietHours.person),
  moved(notifications.mutes, notifications.mutes.person),
  moved(notifications.mutedPosts, notifications.mutedPosts.person),
  moved(push.pushSubscriptions, push.pushSubscriptions.person),
  moved(people.effects, people.effects.id),
  moved(people.livePlaces, people.livePlaces.person),
  moved(closings.closings, closings.closings.person),
  moved(exports.exportDownloads, exports.exportDownloads.person),
  moved(posts.posts, posts.posts.id),
  moved(posts.postStats, posts.postStats.post),
  moved(posts.comments, posts.comments.post),
  moved(posts.commentLikes, posts.commentLikes.person),
  moved(posts.likes, posts.likes.person),
  moved(posts.feed, posts.feed.reader),
  moved(posts.media, posts.media.id),
  moved(posts.idempotencyKeys, posts.idempotencyKeys.person),
  moved(moderation.reports, moderation.reports.subject),
  moved(moderation.cases, moderation.cases.subject),
  moved(moderation.decisions, moderation.decisions.person),
  moved(moderation.moderationLog, moderation.moderationLog.id),
];

/** Tables of sums over all people of a database. digests.ts moves the share of the moving people. */
export const SHARED = [getTableName(posts.likeDigests)];
