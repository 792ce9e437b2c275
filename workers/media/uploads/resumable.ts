/**
 * Resumable uploads. Each has an actor, which receives its bytes; this file reserves the row before, and records the
 * complete object after. Both steps can be repeated from what is stored, whatever was lost in between.
 */
import type { Background } from "../../../schema/background.ts";
import { and, eq, notInArray } from "drizzle-orm";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { media } from "../../../schema/tables/posts.ts";
import { UPLOAD_LASTS, VIDEO_MAX_BYTES } from "../../../schema/media/upload-limits.ts";
import type { UploadResult, AppendRequest, UploadProgress, UploadRefusal } from "../../../schema/media/uploads.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { logWarning } from "../../../schema/log.ts";
import { originalKey } from "../files/objects.ts";
import type { MediaRow } from "../files/media-row.ts";
import { finish } from "./finish.ts";
import { NOT_KNOWN_YET, reserveUpload } from "./reserve.ts";
import { ACCEPTED, discard } from "./upload.ts";

/** How long after the actor removes an upload the sweep checks its row. In ms. */
const SLACK = 3_600_000;

type Begun = { row: MediaRow; expiresAt: number; multipart?: string };
/** Reserves `bytes` and prepares an actor. If `direct`, the client sends them to R2. Costs one query and one call. */
export async function beginUpload(env: Env, owner: PersonId, bytes: number, direct = false): Promise<Begun> {
  if (bytes > VIDEO_MAX_BYTES) throw new Refusal("too_large", TOO_LARGE);
  const row = await reserveUpload(env, owner, {
    contentType: NOT_KNOWN_YET,
    bytes,
    lookAt: Date.now() + UPLOAD_LASTS + SLACK,
  });
  try {
    const begun = await actorOf(env, row.id).begin({ owner, key: originalKey(row.id), bytes, direct });
    return { row, ...begun };
  } catch (error) {
    await discard(env, row.id);
    throw error;
  }
}

/**
 * Stores the first chunk of a new upload. When the chunk is refused, the upload is discarded: the client does not have
 * its id yet, so nobody could resume it, and it would count against the quota until the next day.
 */
export async function appendFirstChunk(
  env: Env,
  background: Background,
  id: MediaId,
  what: AppendRequest,
  body: ReadableStream,
): Promise<UploadProgress> {
  try {
    return await appendChunk(env, background, id, what, body);
  } catch (error) {
    await discard(env, id);
    throw error;
  }
}

/** Appends `body` if the upload has reached `offset`. Costs one call; the last chunk costs two calls and a batch. */
export async function appendChunk(
  env: Env,
  background: Background,
  id: MediaId,
  what: AppendRequest,
  body: ReadableStream | null,
): Promise<UploadProgress> {
  const address = new URL("https://upload/");
  address.searchParams.set("what", JSON.stringify(what));
  const response = await actorOf(env, id).fetch(address, { method: "PATCH", body });
  const answer = await response.json<UploadResult>();
  const standing = await applyResult(env, background, id, answer, what.owner);
  if (!answer.ok && standing.offset !== what.offset)
    throw new Refusal("offset_mismatch", "The upload is already complete");
  return standing;
}

/** Returns how far an upload of `owner` is. Costs one call, and one query when it is finished. */
export async function progressOf(
  env: Env,
  background: Background,
  id: MediaId,
  owner: PersonId,
): Promise<UploadProgress> {
  return applyResult(env, background, id, await actorOf(env, id).standing(owner), owner);
}

/** Completes an upload from the parts that the client has sent to R2. */
export async function completeDirectUpload(
  env: Env,
  background: Background,
  id: MediaId,
  owner: PersonId,
  etags: string[],
): Promise<void> {
  await applyResult(env, background, id, await actorOf(env, id).complete(owner, etags), owner);
}

/** Discards an unfinished upload of `owner`. */
export async function discardUpload(env: Env, id: MediaId, owner: PersonId): Promise<void> {
  const answer = await actorOf(env, id).discard(owner);
  if (!answer?.ok) throw refusal(answer?.reason ?? "media_not_found");
}

/** Acts on an actor's result: records a complete object in its row, and throws a refusal. */
async function applyResult(
  env: Env,
  background: Background,
  id: MediaId,
  answer: UploadResult,
  owner: string,
): Promise<UploadProgress> {
  if (!answer.ok) {
    const finished = answer.reason === "media_not_found" ? await finishedUpload(env, id, owner as PersonId) : undefined;
    if (finished) return finished;
    throw refusal(answer.reason, answer.detail);
  }
  if (answer.stored) {
    if (!(await finish(env, id, answer.stored))) throw new Refusal("media_not_found");
    // If this call is lost, the actor's alarm ends it.
    background.waitUntil(actorOf(env, id).end().catch(notEnded(id)));
  }
  return answer;
}

const notEnded = (id: MediaId) => (error: unknown) =>
  logWarning("upload actor not ended, its alarm will end it", { id, error: String(error) });

async function finishedUpload(env: Env, id: MediaId, owner: PersonId): Promise<UploadProgress | undefined> {
  const row = await databaseOf(env, id)
    .orm.select({ bytes: media.bytes, contentType: media.contentType })
    .from(media)
    .where(and(eq(media.id, id), eq(media.owner, owner), notInArray(media.state, ["uploading", "deleted"])))
    .get();
  return row && { offset: row.bytes, bytes: row.bytes, expiresAt: 0, stored: row.contentType };
}

const TOO_LARGE = "A picture may have at most 25 MB, a video at most 512 MB";
const DETAILS: Partial<Record<UploadRefusal, string>> = {
  unsupported_type: ACCEPTED,
  too_large: TOO_LARGE,
  chunk_too_large: "A chunk with a checksum may have at most 5 MB",
  invalid_request: "The body is longer than the rest of the upload",
};

function refusal(reason: UploadRefusal, detail = DETAILS[reason]): Refusal {
  return new Refusal(reason === "chunk_too_large" ? "too_large" : reason, detail);
}

const actorOf = (env: Env, id: MediaId) => env.UPLOADS.getByName(id);
