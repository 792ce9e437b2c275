/**
 * Stores a file that arrives in one request: first its row, then its object, then the inspection effect. An upload that
 * stops halfway leaves a row in the state "uploading", so the bucket holds nothing without a row (../collect.ts).
 */
import { eq, sql } from "drizzle-orm";
import { statement } from "../../../schema/d1/database.ts";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import { media } from "../../../schema/tables/posts.ts";
import { concatBytes } from "../../../schema/bytes.ts";
import { SNIFF_BYTES, detectMediaType } from "../../../schema/media/file-signatures.ts";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import type { MediaType } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { logWarning } from "../../../schema/log.ts";
import { originalKey } from "../files/objects.ts";
import { whileMoving } from "../../storage/while-moving.ts";
import { type MediaRow, mediaState } from "../files/media-row.ts";
import { finish } from "./finish.ts";
import { reserveUpload } from "./reserve.ts";

export const ACCEPTED = "Upload a JPEG, PNG, WebP, GIF, AVIF or HEIC picture, or an MP4, MOV, WebM or MKV video";
/** The largest file that may be uploaded in one request. */
export const UPLOAD_MAX_BYTES = 25 * 1024 * 1024;
/** When an upload counts as abandoned. 25 MB take an hour at 7 kB per second. In ms. */
const ABANDONED_AFTER = 3_600_000;
/** A bucket that accepts nothing for so many ms has failed. The local one never responds when its disk is full. */
const STALLED_AFTER = 5000;

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Stores `body`, which must have exactly `bytes` bytes, and returns its row. Holds only a few chunks in memory. */
export async function upload(env: Env, owner: PersonId, bytes: number, body: ReadableStream): Promise<MediaRow> {
  const reader: Reader = body.getReader();
  const head = await readHead(reader);
  const contentType = acceptedType(head);
  const row = await reserveUpload(env, owner, { contentType, bytes, lookAt: Date.now() + ABANDONED_AFTER });
  try {
    await storeObject(env, row, head, reader);
    if (!(await whileMoving(env, () => finish(env, row.id, contentType)))) {
      // The upload was discarded meanwhile, perhaps before its object was stored.
      await env.MEDIA.delete(originalKey(row.id));
      throw new Refusal("invalid_request", "The upload took too long; please start again");
    }
    return { ...row, state: "uploaded" };
  } catch (error) {
    // A stalled put may still store its object, and without the row nothing would find it (../collect.ts).
    if (!(error instanceof Stalled)) await discard(env, row.id);
    throw error;
  }
}

/** Like `removeUpload`, but leaves a failure to the sweep. */
export async function discard(env: Env, id: MediaId): Promise<void> {
  try {
    await removeUpload(env, id);
  } catch (error) {
    logWarning("upload not discarded, cron retries", { id, error: String(error) });
  }
}

/**
 * Removes an upload, however it was sent: stops it, then deletes its object, then its row, because without the row
 * nothing would find the object again. Returns false when the upload has finished after all.
 */
export async function removeUpload(env: Env, id: MediaId): Promise<boolean> {
  await env.UPLOADS.getByName(id).discard();
  const database = databaseOf(env, id);
  const [, found] = await database.batch<Pick<MediaRow, "state">>([statement(WITHDRAW, id), statement(STATE, id)]);
  const [left] = found?.rows ?? [];
  if (left?.state !== "deleted") return left === undefined;
  await env.MEDIA.delete(originalKey(id));
  await database.orm.delete(media).where(eq(media.id, id));
  return true;
}

// The first change of the state wins: either `finish` or this.
const WITHDRAW = textOf(sql`
  UPDATE ${media} SET ${bare(media.state)} = ${mediaState("deleted")}
  WHERE ${media.id} = ?1 AND ${media.state} IN (${mediaState("uploading")}, ${mediaState("deleted")})`);

const STATE = textOf(sql`SELECT ${media.state} FROM ${media} WHERE ${media.id} = ?1`);

function acceptedType(head: Uint8Array): MediaType {
  const type = detectMediaType(head);
  if (!type) throw new Refusal("unsupported_type", ACCEPTED);
  return type;
}

// Reads the first chunks until they are long enough to detect the type of the file.
async function readHead(reader: Reader): Promise<Uint8Array> {
  let head = new Uint8Array();
  while (head.length < SNIFF_BYTES) {
    const { done, value } = await read(reader);
    if (done) break;
    head = concatBytes([head, value]);
  }
  return head;
}

async function storeObject(env: Env, row: MediaRow, head: Uint8Array, reader: Reader): Promise<void> {
  const { readable, writable } = new FixedLengthStream(row.bytes);
  const stored = env.MEDIA.put(originalKey(row.id), readable, {
    httpMetadata: { contentType: row.contentType },
    onlyIf: { etagDoesNotMatch: "*" },
  });
  const writer = writable.getWriter();
  try {
    const pumped = pump(reader, head, row.bytes, writer);
    const [object] = await Promise.all([stored, pumped.then(() => unlessStalled(stored))]);
    if (object === null) throw new Error(`the object of ${row.id} already exists`);
  } catch (error) {
    // The put must end before its object can be deleted.
    await unlessStalled(Promise.allSettled([writer.abort(error), reader.cancel(error), stored]));
    throw error;
  }
}

async function pump(reader: Reader, head: Uint8Array, bytes: number, writer: WritableStreamDefaultWriter<Uint8Array>) {
  let received = 0;
  for (let chunk: Uint8Array | undefined = head; chunk; chunk = (await read(reader)).value) {
    received += chunk.length;
    if (received > bytes) throw new Refusal("invalid_request", "The body is longer than its Content-Length");
    await unlessStalled(writer.write(chunk));
  }
  if (received < bytes) throw new Refusal("invalid_request", "The body is shorter than its Content-Length");
  await unlessStalled(writer.close());
}

class Stalled extends Refusal {
  constructor() {
    super("unavailable", "The file cannot be stored right now; please try again later");
  }
}

/** Throws `Stalled` when the bucket does not finish in time. The sender may take as long as it likes. */
async function unlessStalled<T>(done: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Stalled()), STALLED_AFTER);
  });
  return Promise.race([done, stalled]).finally(() => clearTimeout(timer));
}

// A failure here comes from the sender's connection, not from this service.
const read = (reader: Reader) =>
  reader.read().catch(() => {
    throw new Refusal("invalid_request", "The body ended before it was complete");
  });
