/**
 * Takes a file in: first its row, then its object, then what must follow. Whatever stops half way leaves a row in the
 * state "uploading", so nothing lies in the bucket that no row knows of (../collect.ts).
 */
import { joined } from "../../../schema/bytes.ts";
import { SNIFF_BYTES, typeOf } from "../../../schema/media/file-signatures.ts";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import type { MediaType } from "../../../schema/media/media-types.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { originalKey } from "../objects.ts";
import { whileMoving } from "../../storage/while-moving.ts";
import type { MediaRow } from "../media-row.ts";
import { finish } from "./finish.ts";
import { reserve } from "./reserve.ts";

export const ACCEPTED = "JPEG, PNG, WebP, GIF, AVIF and HEIC pictures, and MP4, MOV and WebM videos are accepted";
/** Of a file that comes in one request. */
export const UPLOAD_MAX_BYTES = 25 * 1024 * 1024;
/** An upload of 25 MB takes an hour at 7 kB a second. In ms. */
const ABANDONED_AFTER = 3_600_000;
/** A bucket that takes nothing for so many ms has failed. The local one says nothing at all when its disk is full. */
const STALLED_AFTER = 5000;

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Stores `body`, which must have exactly `bytes` bytes. No more of it is in memory than a few chunks. */
export async function upload(env: Env, owner: PersonId, bytes: number, body: ReadableStream): Promise<MediaRow> {
  const reader: Reader = body.getReader();
  const head = await readHead(reader);
  const contentType = acceptedType(head);
  const row = await reserve(env, owner, { contentType, bytes, lookAt: Date.now() + ABANDONED_AFTER });
  try {
    await storeObject(env, row, head, reader);
    if (!(await whileMoving(env, () => finish(env, row.id, contentType)))) {
      // It was given up, and its object may have come after it was looked for.
      await env.MEDIA.delete(originalKey(row.id));
      throw new ApiError("invalid_request", "The upload took too long");
    }
    return { ...row, state: "uploaded" };
  } catch (error) {
    // A put that has not ended may still store something, and without the row nobody would find it (../collect.ts).
    if (!(error instanceof Stalled)) await discard(env, row.id);
    throw error;
  }
}

/** As `removeUpload`, but what fails is left to the sweep. */
export async function discard(env: Env, id: MediaId): Promise<void> {
  try {
    await removeUpload(env, id);
  } catch (error) {
    console.warn("upload not discarded, cron will", { id, error: String(error) });
  }
}

/**
 * Removes what an upload left behind, however it was sent: its object before the row, because without the row nobody would
 * find that again. An upload that goes on is stopped first. False when it has come to its end after all.
 */
export async function removeUpload(env: Env, id: MediaId): Promise<boolean> {
  await env.UPLOADS.getByName(id).discard();
  const database = databaseOf(env, id);
  const [, left] = await database.batch<{ state: string }>([
    database.prepare(WITHDRAW).bind(id),
    database.prepare("SELECT state FROM media WHERE id = ?").bind(id),
  ]);
  const state = left?.results[0]?.state;
  if (state !== "deleted") return state === undefined;
  await env.MEDIA.delete(originalKey(id));
  await database.prepare("DELETE FROM media WHERE id = ?").bind(id).run();
  return true;
}

// Whoever changes the state first, the end of the upload or this, decides.
const WITHDRAW = "UPDATE media SET state = 'deleted' WHERE id = ? AND state IN ('uploading', 'deleted')";

function acceptedType(head: Uint8Array): MediaType {
  const type = typeOf(head);
  if (!type) throw new ApiError("unsupported_type", ACCEPTED);
  return type;
}

// The first chunks, until they are long enough to tell what they are the beginning of.
async function readHead(reader: Reader): Promise<Uint8Array> {
  let head = new Uint8Array();
  while (head.length < SNIFF_BYTES) {
    const { done, value } = await read(reader);
    if (done) break;
    head = joined([head, value]);
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
    if (object === null) throw new Error(`there is an object of ${row.id} already`);
  } catch (error) {
    // The put must have ended before its object can be deleted.
    await unlessStalled(Promise.allSettled([writer.abort(error), reader.cancel(error), stored]));
    throw error;
  }
}

async function pump(reader: Reader, head: Uint8Array, bytes: number, writer: WritableStreamDefaultWriter<Uint8Array>) {
  let received = 0;
  for (let chunk: Uint8Array | undefined = head; chunk; chunk = (await read(reader)).value) {
    received += chunk.length;
    if (received > bytes) throw new ApiError("invalid_request", "The body is longer than its Content-Length");
    await unlessStalled(writer.write(chunk));
  }
  if (received < bytes) throw new ApiError("invalid_request", "The body is shorter than its Content-Length");
  await unlessStalled(writer.close());
}

class Stalled extends ApiError {
  constructor() {
    super("unavailable", "The file cannot be stored at the moment");
  }
}

/** Throws `Stalled` when the bucket does not get it done in time. How long the sender takes is not limited. */
async function unlessStalled<T>(done: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Stalled()), STALLED_AFTER);
  });
  return Promise.race([done, stalled]).finally(() => clearTimeout(timer));
}

// What fails here is the sender's connection, not something of ours.
const read = (reader: Reader) =>
  reader.read().catch(() => {
    throw new ApiError("invalid_request", "The body ended before its time");
  });
