/**
 * A part of an export with a person's data as JSON. docs/export.md describes the files. They are read page by page while
 * they are sent, so they may differ by what changes meanwhile.
 */
import { type SQL, sql } from "drizzle-orm";
import { peopleByIds } from "../../schema/d1/person-cards.ts";
import { type Database } from "../../schema/d1/database.ts";
import { databaseOf, databases } from "../../schema/d1/shards.ts";
import { literal, textOf, valueOf } from "../../schema/d1/sql.ts";
import { type CommentId, type MediaId, type PersonId, type PostId, timeOf } from "../../schema/ids.ts";
import type { MediaType } from "../../schema/media/media-types.ts";
import type { CommentRules } from "../../schema/comment-rules.ts";
import { FOREVER } from "../../schema/moderation.ts";
import type { PostMedia } from "../../schema/posts.ts";
import * as notificationTables from "../../schema/tables/notifications.ts";
import { blocks, followers, following, passkeys, people, sessions } from "../../schema/tables/people.ts";
import { commentLikes, comments, likes, media, posts, postStats } from "../../schema/tables/posts.ts";
import { decisions, reports } from "../../schema/tables/moderation.ts";
import { pushSubscriptions } from "../../schema/tables/push.ts";
import { fileName } from "./files.ts";
import { POSTS_PER_PART } from "./plan.ts";
import { zipped, type ZipEntry } from "./zip.ts";

/** The version of the files. It changes when a field changes its meaning or goes. */
const VERSION = 1;
const ROWS_PER_PAGE = 1000;
/** The most entries of one list: bounds the queries of one part to some hundreds. */
export const LISTED_MAX = 100_000;

const { mutedPosts, mutes, notificationPreferences, notifications, quietHours } = notificationTables;
const encoder = new TextEncoder();

type Row = Record<string, unknown>;
/** Reads a page of rows after the last one of the previous page. */
type ReadPage = (last: Row | undefined) => Promise<Row[]>;
type Show = (rows: Row[]) => Promise<object[]> | object[];

/**
 * Returns the chunks of the ZIP: in the first part everything but posts, and in each the posts above `after` and up to
 * `upTo`. Costs a query for each thousand rows, one a database for names in them, and an actor call for each edited post.
 */
export function dataPart(
  env: Env,
  person: PersonId,
  { after, upTo }: { after: string; upTo: string },
): AsyncGenerator<Uint8Array> {
  const at = Date.now();
  const home = databaseOf(env, person).patient;
  const about = { format: "shutterline-export", version: VERSION, exportedAt: timeText(at), posts: { after, upTo } };
  const files: [string, AsyncIterable<string>][] = [
    ["export.json", textsOf(about)],
    ...(after === "" ? ownLists(env, person, home) : []),
    ["posts.json", arrayOf(postsOf(env, person, home, after, upTo))],
  ];
  return zipped(files.map(([name, texts]): ZipEntry => ({ name, at, body: encoded(texts) })));
}

function ownLists(env: Env, person: PersonId, home: Database): [string, AsyncIterable<string>][] {
  const list = (text: string, keys: readonly string[], show: Show) =>
    arrayOf(pagesOf(pageOf(home, person, text, keys), show));
  const withPeople = async (rows: Row[]): Promise<object[]> => {
    const cards = await peopleByIds(
      env,
      rows.map(({ id }) => id as PersonId),
    );
    return rows.map(({ id, since, ...rest }) => {
      const card = cards.get(id as PersonId);
      return {
        id,
        ...(card && { handle: card.handle, name: card.name }),
        ...(typeof since === "number" && since > 0 && { since: timeText(since) }),
        ...flags(rest),
      };
    });
  };
  return [
    ["profile.json", firstOf(home, PROFILE, person)],
    ["sessions.json", list(SESSIONS, ["id"], (rows) => rows.map(sessionOf))],
    ["passkeys.json", list(PASSKEYS, ["id"], (rows) => rows.map(passkeyOf))],
    ["devices.json", list(DEVICES, ["endpoint"], (rows) => rows.map(deviceOf))],
    ["preferences.json", preferencesOf(home, person)],
    ["following.json", list(FOLLOWING, ["id"], withPeople)],
    [
      "followers.json",
      list(FOLLOWERS, ["shard", "id"], (rows) => withPeople(rows.map((row) => without(row, "shard")))),
    ],
    ["blocked.json", list(BLOCKED, ["id"], withPeople)],
    ["muted.json", list(MUTED, ["id"], withPeople)],
    ["likes.json", list(LIKES, ["post"], (rows) => rows)],
    ["comment-likes.json", list(COMMENT_LIKES, ["comment"], (rows) => rows)],
    [
      "comments.json",
      arrayOf(everywhere(env, person, COMMENTS, ["post", "parent", "id"], (rows) => rows.map(commentOf))),
    ],
    ["reports.json", arrayOf(everywhere(env, person, REPORTS, ["subject"], (rows) => rows.map(withTime)))],
    ["decisions.json", list(DECISIONS, ["subject"], (rows) => rows.map(decisionOf))],
    [
      "notifications.json",
      list(NOTIFICATIONS, ["kind", "subject"], async (rows) => {
        const named = rows.map((row) => JSON.parse(row["actors"] as string) as PersonId[]);
        const cards = await peopleByIds(env, named.flat());
        return rows.map(({ at, ...row }, index) => ({
          ...without(row, "actors"),
          people: (named[index] ?? []).map((id) => cards.get(id)?.handle ?? id),
          at: timeText(at as number),
        }));
      }),
    ],
    ["files.json", list(FILES, ["id"], (rows) => rows.map(fileOf))],
  ];
}

const timeText = (ms: number): string => new Date(ms).toISOString();
/** SQLite has no booleans. */
const flags = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value === 1 || value === 0 ? value === 1 : value]),
  );

const without = (row: Row, name: string): Row =>
  Object.fromEntries(Object.entries(row).filter(([key]) => key !== name));

const sessionOf = ({ id, usedAt, ...row }: Row): object => ({
  id,
  begunAt: timeText(timeOf(id as never)),
  ...((usedAt as number) > 0 && { usedAt: timeText(usedAt as number) }),
  ...row,
});
const commentOf = ({ id, parent, editedAt, ...row }: Row): object => ({
  id,
  ...(parent !== "" && { thread: parent }),
  ...row,
  at: timeText(timeOf(id as CommentId)),
  ...(editedAt !== null && { editedAt: timeText(editedAt as number) }),
});
const withTime = ({ at, ...row }: Row): object => ({ ...row, at: timeText(at as number) });
const decisionOf = ({ decidedAt, until, appealedAt, ...row }: Row): object => ({
  ...row,
  decidedAt: timeText(decidedAt as number),
  ...(until !== null && until !== FOREVER && { until: timeText(until as number) }),
  ...(appealedAt !== null && { appealedAt: timeText(appealedAt as number) }),
});
const passkeyOf = ({ name, addedAt, usedAt }: Row): object => ({
  name,
  addedAt: timeText(addedAt as number),
  ...(usedAt !== null && { usedAt: timeText(usedAt as number) }),
});
const deviceOf = ({ endpoint, renewedAt }: Row): object => ({
  service: new URL(endpoint as string).host,
  renewedAt: timeText(renewedAt as number),
});
const fileOf = ({ id, contentType, claimedBy, ...row }: Row): object => ({
  id,
  file: fileName(id as MediaId, contentType as MediaType),
  uploadedAt: timeText(timeOf(id as MediaId)),
  contentType,
  ...row,
  post: claimedBy,
});

/** Reads rows of a database in the order of their columns `keys`. */
const pageOf =
  (database: Database, person: PersonId, text: string, keys: readonly string[]): ReadPage =>
  (last) =>
    database.all<Row>(text, person, ...keys.map((key) => (last?.[key] ?? "") as string));

async function* pagesOf(read: ReadPage, show: Show): AsyncGenerator<object> {
  let count = 0;
  for (let last: Row | undefined; count < LISTED_MAX;) {
    const rows = await read(last);
    yield* await show(rows);
    count += rows.length;
    last = rows.at(-1);
    if (rows.length < ROWS_PER_PAGE) return;
  }
}

/** Reads rows of all databases, one after the other. */
async function* everywhere(
  env: Env,
  person: PersonId,
  text: string,
  keys: readonly string[],
  show: Show,
): AsyncGenerator<object> {
  for (const database of databases(env)) yield* pagesOf(pageOf(database.patient, person, text, keys), show);
}

/** Reads the earlier captions of edited posts from their actors. */
async function* postsOf(
  env: Env,
  person: PersonId,
  home: Database,
  after: string,
  upTo: string,
): AsyncGenerator<object> {
  const rows = await home.all<PostRow>(POSTS, person, after, upTo === "" ? "g" : upTo, POSTS_PER_PART);
  for (const { id, caption, media, editedAt, ...row } of rows) {
    const history = editedAt === null ? undefined : await env.POSTS.getByName(id).captions(person);
    yield {
      id,
      publishedAt: timeText(timeOf(id)),
      caption,
      ...(editedAt !== null && { editedAt: timeText(editedAt) }),
      ...(history?.ok && { captions: history.captions.map(({ caption, at }) => ({ caption, at: timeText(at) })) }),
      files: (JSON.parse(media) as PostMedia[]).map(({ id, alt }) => ({ id, alt })),
      ...row,
    };
  }
}

type PostRow = { id: PostId; caption: string; media: string; editedAt: number | null };

async function* firstOf(home: Database, text: string, person: PersonId): AsyncGenerator<string> {
  const row = (await home.first<Row>(text, person)) ?? {};
  yield* textsOf({ ...row, private: row["private"] === 1, joinedAt: timeText(timeOf(person)) });
}

async function* preferencesOf(home: Database, person: PersonId): AsyncGenerator<string> {
  const [kinds, hours, muted, rules] = await Promise.all(
    [PREFERENCES, QUIET_HOURS, MUTED_POSTS, COMMENT_RULES].map((text) => home.all<Row>(text, person)),
  );
  yield* textsOf({
    notifications: (kinds ?? []).map(flags),
    quietHours: hours?.[0] ?? null,
    mutedPosts: (muted ?? []).map(({ post }) => post),
    comments: JSON.parse((rules?.[0]?.["rules"] ?? "{}") as string) as CommentRules,
  });
}

async function* textsOf(value: object): AsyncGenerator<string> {
  yield `${JSON.stringify(value, undefined, 2)}\n`;
}

async function* arrayOf(items: AsyncIterable<object>): AsyncGenerator<string> {
  let separator = "[\n";
  for await (const item of items) {
    yield `${separator}${JSON.stringify(item)}`;
    separator = ",\n";
  }
  yield separator === "[\n" ? "[]\n" : "\n]\n";
}

/** Joins texts to chunks of a useful size. */
async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let text = "";
  for await (const next of texts) {
    text += next;
    if (text.length < 64 * 1024) continue;
    yield encoder.encode(text);
    text = "";
  }
  if (text !== "") yield encoder.encode(text);
}

const PAGE = literal(ROWS_PER_PAGE);
const PROFILE = textOf(sql`
  SELECT ${people.id}, ${people.handle}, ${people.name}, ${people.bio}, ${people.picture},
    ${people.private} AS "private", ${people.posts}, ${people.followers}, ${people.following} FROM ${people} WHERE ${people.id} = ?1`);
const SESSIONS = textOf(sql`
  SELECT ${sessions.id}, ${sessions.usedAt} AS "usedAt", ${sessions.device}, ${sessions.place}
  FROM ${sessions} WHERE ${sessions.person} = ?1 AND ${sessions.id} > ?2 ORDER BY ${sessions.id} LIMIT ${PAGE}`);
const PASSKEYS = textOf(sql`
  SELECT ${passkeys.id}, ${passkeys.name}, ${passkeys.addedAt} AS "addedAt", ${passkeys.usedAt} AS "usedAt"
  FROM ${passkeys} WHERE ${passkeys.person} = ?1 AND ${passkeys.id} > ?2 ORDER BY ${passkeys.id} LIMIT ${PAGE}`);
const DEVICES = textOf(sql`
  SELECT ${pushSubscriptions.endpoint}, ${pushSubscriptions.renewedAt} AS "renewedAt" FROM ${pushSubscriptions}
  WHERE ${pushSubscriptions.person} = ?1 AND ${pushSubscriptions.endpoint} > ?2
  ORDER BY ${pushSubscriptions.endpoint} LIMIT ${PAGE}`);
const FOLLOWING = textOf(sql`
  SELECT ${following.followee} AS "id", ${following.since}, ${following.requested}, ${following.bell} FROM ${following}
  WHERE ${following.follower} = ?1 AND ${following.followee} > ?2
    AND (${following.active} = 1 OR ${following.requested} = 1)
  ORDER BY ${following.followee} LIMIT ${PAGE}`);
const FOLLOWERS = textOf(sql`
  SELECT ${followers.followerShard} AS "shard", ${followers.follower} AS "id", ${followers.since},
    ${followers.pending} AS "requested" FROM ${followers}
  WHERE ${followers.followee} = ?1
    AND (${followers.followerShard}, ${followers.follower}) > (coalesce(nullif(?2, ''), -1), ?3)
    AND (${followers.active} = 1 OR ${followers.pending} = 1)
  ORDER BY ${followers.followerShard}, ${followers.follower} LIMIT ${PAGE}`);
const BLOCKED = textOf(sql`
  SELECT ${blocks.other} AS "id" FROM ${blocks}
  WHERE ${blocks.person} = ?1 AND ${blocks.other} > ?2 AND ${blocks.mine} = 1 ORDER BY ${blocks.other} LIMIT ${PAGE}`);
const MUTED = textOf(sql`
  SELECT ${mutes.other} AS "id" FROM ${mutes}
  WHERE ${mutes.person} = ?1 AND ${mutes.other} > ?2 ORDER BY ${mutes.other} LIMIT ${PAGE}`);
const LIKES = textOf(sql`
  SELECT ${likes.post} FROM ${likes}
  WHERE ${likes.person} = ?1 AND ${likes.post} > ?2 AND ${likes.liked} = 1 ORDER BY ${likes.post} LIMIT ${PAGE}`);
const COMMENT_LIKES = textOf(sql`
  SELECT ${commentLikes.comment}, nullif(${commentLikes.post}, '') AS "post" FROM ${commentLikes}
  WHERE ${commentLikes.person} = ?1 AND ${commentLikes.comment} > ?2 AND ${commentLikes.liked} = 1
  ORDER BY ${commentLikes.comment} LIMIT ${PAGE}`);
const key = (...columns: SQL[]): SQL => sql.join(columns, sql`, `);
const COMMENT_KEY = key(sql`${comments.post}`, sql`${comments.parent}`, sql`${comments.id}`);
// Not whether it is hidden: its writer does not learn that.
const COMMENTS = textOf(sql`
  SELECT ${comments.post}, ${comments.parent}, ${comments.id}, ${comments.text}, ${comments.editedAt} AS "editedAt"
  FROM ${comments}
  WHERE ${comments.author} = ?1 AND (${COMMENT_KEY}) > (?2, ?3, ?4)
    AND ${comments.state} <> ${valueOf(comments.state, "gone")}
  ORDER BY ${COMMENT_KEY} LIMIT ${PAGE}`);
const NOTIFICATIONS = textOf(sql`
  SELECT ${notifications.kind}, ${notifications.subject}, ${notifications.post}, ${notifications.actors},
    ${notifications.count}, ${notifications.excerpt}, ${notifications.at} FROM ${notifications}
  WHERE ${notifications.recipient} = ?1 AND (${notifications.kind}, ${notifications.subject}) > (?2, ?3)
  ORDER BY ${notifications.kind}, ${notifications.subject} LIMIT ${PAGE}`);
const FILES = textOf(sql`
  SELECT ${media.id}, ${media.state}, ${media.contentType} AS "contentType", ${media.bytes}, ${media.alt},
    ${media.width}, ${media.height}, ${media.claimedBy} AS "claimedBy" FROM ${media}
  WHERE ${media.owner} = ?1 AND ${media.id} > ?2 ORDER BY ${media.id} LIMIT ${PAGE}`);
const PREFERENCES = textOf(sql`
  SELECT ${notificationPreferences.kind}, ${notificationPreferences.who}, ${notificationPreferences.push}
  FROM ${notificationPreferences} WHERE ${notificationPreferences.person} = ?1`);
const QUIET_HOURS = textOf(sql`
  SELECT ${quietHours.fromMinute} AS "fromMinute", ${quietHours.toMinute} AS "toMinute",
    ${quietHours.timeZone} AS "timeZone" FROM ${quietHours} WHERE ${quietHours.person} = ?1`);
const MUTED_POSTS = textOf(sql`
  SELECT ${mutedPosts.post} FROM ${mutedPosts} WHERE ${mutedPosts.person} = ?1 LIMIT ${literal(10_000)}`);
const COMMENT_RULES = textOf(sql`
  SELECT ${people.commentRules} AS "rules" FROM ${people} WHERE ${people.id} = ?1`);
const REPORTS = textOf(sql`
  SELECT ${reports.subject}, ${reports.reason}, ${reports.words}, ${reports.at} FROM ${reports}
  WHERE ${reports.reporter} = ?1 AND ${reports.subject} > ?2 ORDER BY ${reports.subject} LIMIT ${PAGE}`);
// Not who has decided.
const DECISIONS = textOf(sql`
  SELECT ${decisions.subject}, ${decisions.kind}, ${decisions.excerpt}, ${decisions.action}, ${decisions.reason},
    ${decisions.until}, ${decisions.decidedAt} AS "decidedAt", ${decisions.appeal},
    ${decisions.appealedAt} AS "appealedAt", ${decisions.answer} FROM ${decisions}
  WHERE ${decisions.person} = ?1 AND ${decisions.subject} > ?2 ORDER BY ${decisions.subject} LIMIT ${PAGE}`);
const POSTS = textOf(sql`
  SELECT ${posts.id}, ${posts.caption}, ${posts.media}, ${posts.editedAt} AS "editedAt", ${postStats.likes},
    ${postStats.comments}, ${postStats.policy} AS "commentPolicy"
  FROM ${posts} JOIN ${postStats} ON ${postStats.post} = ${posts.id}
  WHERE ${posts.author} = ?1 AND ${posts.id} > ?2 AND ${posts.id} <= ?3 ORDER BY ${posts.id} LIMIT ?4`);
