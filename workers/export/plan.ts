/** Divides a person's data into parts, each of which one request can serve. */
import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import type { ExportPart } from "../../schema/api/exports.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import type { MediaId, PersonId, PostId } from "../../schema/ids.ts";
import { media, posts } from "../../schema/tables/posts.ts";
import { mediaState } from "../media/files/media-row.ts";

/** Bounds the calls of actors for one part, one for each post that was edited. */
export const POSTS_PER_PART = 500;
/** Bound the calls of R2 and the time of one part. A larger file has a part of its own. */
export const FILES_PER_PART = 200;
export const BYTES_PER_PART = 256 * 1024 * 1024;
/** More files than fit into any quota, so that a plan is bounded. */
const FILES_MAX = 100_000;

type File = { id: MediaId; bytes: number };

/**
 * Returns the parts of the export: the data, then the files, each in the order of their ids. So parts that were planned
 * before stay as they are when something is added. Costs one batch, which reads all posts and files of the person.
 */
export async function planExport(env: Env, person: PersonId, handle: string): Promise<ExportPart[]> {
  const [boundaries, files] = await databaseOf(env, person).patient.batch<object>([
    statement(BOUNDARIES, person),
    statement(FILES, person),
  ]);
  const ends = ((boundaries?.rows ?? []) as { id: PostId }[]).map(({ id }) => id);
  return [...dataParts(ends, handle), ...fileParts((files?.rows ?? []) as File[], handle)];
}

/** The last part has no end, so it takes what has been published since. */
function dataParts(ends: readonly PostId[], handle: string): ExportPart[] {
  return [...ends, ""].map((upTo, index) => ({
    kind: "data",
    name: `shutterline-${handle}-data${ends.length === 0 ? "" : `-${index + 1}`}.zip`,
    path: pathOf("data", ends[index - 1] ?? "", upTo),
  }));
}

function fileParts(files: readonly File[], handle: string): ExportPart[] {
  const parts: { last: MediaId; files: number; bytes: number }[] = [];
  for (const { id, bytes } of files) {
    const part = parts.at(-1);
    if (part && part.files < FILES_PER_PART && part.bytes + bytes <= BYTES_PER_PART) {
      Object.assign(part, { last: id, files: part.files + 1, bytes: part.bytes + bytes });
    } else parts.push({ last: id, files: 1, bytes });
  }
  return parts.map(({ last, ...counts }, index) => ({
    kind: "files",
    name: `shutterline-${handle}-files-${index + 1}.zip`,
    path: pathOf("files", parts[index - 1]?.last ?? "", last),
    ...counts,
  }));
}

const pathOf = (kind: ExportPart["kind"], after: string, upTo: string): string =>
  `/v1/me/export/${kind}?after=${after}&upTo=${upTo}`;

const BOUNDARIES = textOf(sql`
  SELECT id FROM (
    SELECT ${posts.id} AS id, row_number() OVER (ORDER BY ${posts.id}) AS place, count(*) OVER () AS total
    FROM ${posts} WHERE ${posts.author} = ?1)
  WHERE place % ${literal(POSTS_PER_PART)} = 0 AND place < total ORDER BY id`);
/** Files whose bytes are there: not those that are still uploading. */
export const HAS_ORIGINAL = sql`${media.state} IN (
  ${mediaState("uploaded")}, ${mediaState("ready")}, ${mediaState("rejected")})`;
const FILES = textOf(sql`
  SELECT ${media.id}, ${media.bytes} + ${media.posterBytes} AS "bytes" FROM ${media}
  WHERE ${media.owner} = ?1 AND ${HAS_ORIGINAL} ORDER BY ${media.id} LIMIT ${literal(FILES_MAX)}`);
