/** The tiered caches of what people read about people: who they are, who a handle names, and who may see their posts. */
import { sql } from "drizzle-orm";
import type { PersonCard } from "../../schema/api/people.ts";
import type { CommentId, Id, PersonId, PostId } from "../../schema/ids.ts";
import { cardOf, type CardRow, PEOPLE_BY_IDS } from "../../schema/d1/person-cards.ts";
import { shardOfHandle } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import type { Audience, ExclusionMarks } from "../../schema/viewing.ts";
import { handles as handlesTable, people } from "../../schema/tables/people.ts";
import { commentLikes, likes } from "../../schema/tables/posts.ts";
import type { Reader } from "../storage/reader.ts";
import { Tiers } from "../storage/tiers.ts";

const AUDIENCES_FRESH_FOR = 1000; // ms
const PEOPLE_FRESH_FOR = 10_000; // ms
const HANDLES_FRESH_FOR = 600_000; // ms; a former handle is given to nobody else for 30 days.

export const personDocuments = new Tiers<PersonId, PersonCard>({
  kv: "person",
  freshFor: PEOPLE_FRESH_FOR,
  load: (reader, ids) => loaded(reader, ids, PEOPLE_BY_IDS, (row: CardRow) => [row.id, cardOf(row)]),
});

/** Who may see the posts of each person, and the bookmark of the state that said so. */
export const audiences = new Tiers<PersonId, Audience & { at: string | undefined }>({
  freshFor: AUDIENCES_FRESH_FOR,
  load: async (reader, ids) => {
    const found = await Promise.all(
      ids.map(async (id) => {
        const { rows, at } = await reader.existing<AudienceRow>(id, AUDIENCE, [id]);
        return rows.map((row) => [id, { ...audienceOf(row), at }] as const);
      }),
    );
    return new Map(found.flat());
  },
});

/** `until`: until when a former handle leads to the person, in ms since 1970. */
export type HandleClaim = { person: PersonId; until?: number | null };

/** The id that has claimed each handle. Its person may not exist (yet): see workers/api/accounts/sign-up.ts. */
export const handles = new Tiers<string, HandleClaim>({
  kv: "handle",
  freshFor: HANDLES_FRESH_FOR,
  load: async (reader, names) => {
    const rows = await Promise.all(
      names.map(async (handle) => {
        const key = shardOfHandle(handle);
        const [near] = await reader.replica<HandleClaim>(key, HANDLE, handle);
        return near ?? (await reader.primary<HandleClaim>(key, HANDLE, handle))[0];
      }),
    );
    return new Map(names.flatMap((handle, index) => (rows[index] ? [[handle, rows[index]] as const] : [])));
  },
});

/** Reads rows that the replica lacks from the primary, so that a lagging replica makes nothing disappear. */
export async function loaded<K extends Id, Row, V>(
  reader: Reader,
  ids: K[],
  sql: string,
  entryOf: (row: Row) => readonly [K, V],
): Promise<Map<K, V>> {
  const near = new Map((await reader.replicasByIds<Row>(ids, sql)).map(entryOf));
  const missing = ids.filter((id) => !near.has(id));
  if (missing.length === 0) return near;
  return new Map([...near, ...(await reader.primariesByIds<Row>(missing, sql)).map(entryOf)]);
}

/** The columns of an audience. */
export const AUDIENCE_COLUMNS = sql`${people.private} AS "isPrivate", ${people.barred} AS "isBarred",
  ${people.exclusionMarks} AS "marks"`;
/** A row of AUDIENCE_COLUMNS; all null if there is no such person. */
export type AudienceRow = { isPrivate: 0 | 1 | null; isBarred: 0 | 1 | null; marks: string | null };
const AUDIENCE = textOf(sql`SELECT ${AUDIENCE_COLUMNS} FROM ${people} WHERE ${people.id} = ?1`);

/** Returns the audience in a row of AUDIENCE_COLUMNS; of nobody if it has none. */
export const audienceOf = ({ isPrivate, isBarred, marks }: AudienceRow): Audience => ({
  isPrivate: isPrivate === 1,
  isBarred: isBarred === 1,
  marks: marks === null || marks === "{}" ? NO_MARKS : (JSON.parse(marks) as ExclusionMarks),
});
/** No exclusion concerns the author. */
export const NO_MARKS: ExclusionMarks = {};

/** The claim on a handle. */
export const HANDLE = textOf(sql`
  SELECT ${handlesTable.person}, ${handlesTable.until} FROM ${handlesTable} WHERE ${handlesTable.handle} = ?1`);

/** Returns those of `comments` that the person likes. Costs one D1 query, in the person's database. */
export async function likedCommentsAmong(
  reader: Reader,
  person: PersonId,
  comments: Iterable<CommentId>,
): Promise<Set<CommentId>> {
  const ids = JSON.stringify([...comments]);
  const rows = await reader.replica<Pick<typeof commentLikes.$inferSelect, "comment">>(
    person,
    LIKED_COMMENTS,
    person,
    ids,
  );
  return new Set(rows.map(({ comment }) => comment));
}

const LIKED_COMMENTS = textOf(sql`
  SELECT ${commentLikes.comment} FROM ${commentLikes}
  WHERE ${commentLikes.person} = ?1 AND ${commentLikes.liked} = 1
    AND ${commentLikes.comment} IN (SELECT value FROM json_each(?2))`);

/** Returns those of `posts` that the person likes. Costs one D1 query, in the person's database. */
export async function likedAmong(reader: Reader, person: PersonId, posts: Iterable<PostId>): Promise<Set<PostId>> {
  const ids = JSON.stringify([...posts]);
  const rows = await reader.replica<Pick<typeof likes.$inferSelect, "post">>(person, LIKED_POSTS, person, ids);
  return new Set(rows.map(({ post }) => post));
}

const LIKED_POSTS = textOf(sql`
  SELECT ${likes.post} FROM ${likes}
  WHERE ${likes.person} = ?1 AND ${likes.liked} = 1 AND ${likes.post} IN (SELECT value FROM json_each(?2))`);
