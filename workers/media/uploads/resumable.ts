/**
 * Uploads that go on where they stopped. Each has an actor, which takes its bytes; what is here reserves the row before,
 * and writes that the object is whole after. Either may be repeated from what is stored, whatever was lost in between.
 */
import type { Background } from "../../../schema/background.ts";
import { and, eq, notInArray } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { media } from "../../../schema/tables/posts.ts";
import { UPLOAD_LASTS, VIDEO_MAX_BYTES } from "../../../schema/media/upload-limits.ts";
import type { Answer, Append, Standing, UploadRefusal } from "../../../schema/media/uploads.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { originalKey } from "../objects.ts";
import type { MediaRow } from "../media-row.ts";
import { finish } from "./finish.ts";
import { NOT_KNOWN_YET, reserve } from "./reserve.ts";
import { ACCEPTED, discard } from "./upload.ts";

/** After the actor has removed it. In ms. */
const SLACK = 3_600_000;

type Begun = { row: MediaRow; expiresAt: number; multipart?: string };
/** Reserves `bytes` and has an actor wait for them. `direct`: the client sends them to R2 itself. One query and one call. */
export async function begin(env: Env, owner: PersonId, bytes: number, direct = false): Promise<Begun> {
  if (bytes > VIDEO_MAX_BYTES) throw new ApiError("too_large", TOO_LARGE);
  const row = await reserve(env, owner, {
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
 * The first chunk of an upload that has just begun. When it is refused the upload ends with it: nobody was told its id, so
 * nobody could go on with it, and it would count until the next day.
 */
export async function appendFirst(
  env: Env,
  background: Background,
  id: MediaId,
  what: Append,
  body: ReadableStream,
): Promise<Standing> {
  try {
    return await append(env, background, id, what, body);
  } catch (error) {
    await discard(env, id);
    throw error;
  }
}

/** Streams `body` to where the upload stands, if that is `offset`. One call; two and a batch when it is the last of it. */
export async function append(
  env: Env,
  background: Background,
  id: MediaId,
  what: Append,
  body: ReadableStream | null,
): Promise<Standing> {
  const address = new URL("https://upload/");
  address.searchParams.set("what", JSON.stringify(what));
  const response = await actorOf(env, id).fetch(address, { method: "PATCH", body });
  const answer = await response.json<Answer>();
  const standing = await settled(env, background, id, answer, what.owner);
  if (!answer.ok && standing.offset !== what.offset) throw new ApiError("offset_mismatch", "The upload is finished");
  return standing;
}

/** How far an upload of `owner` is. One call; one query when it is finished. */
export async function standingOf(env: Env, background: Background, id: MediaId, owner: PersonId): Promise<Standing> {
  return settled(env, background, id, await actorOf(env, id).standing(owner), owner);
}

/** Makes a file of the parts that the client has sent to R2. */
export async function complete(
  env: Env,
  background: Background,
  id: MediaId,
  owner: PersonId,
  etags: string[],
): Promise<void> {
  await settled(env, background, id, await actorOf(env, id).complete(owner, etags), owner);
}

/** Ends an upload of `owner` that is not finished. */
export async function terminate(env: Env, id: MediaId, owner: PersonId): Promise<void> {
  const answer = await actorOf(env, id).discard(owner);
  if (!answer?.ok) throw refusal(answer?.reason ?? "media_not_found");
}

/** What follows from an answer: of an object that is whole, that its row says so; of a refusal, that it is thrown. */
async function settled(
  env: Env,
  background: Background,
  id: MediaId,
  answer: Answer,
  owner: string,
): Promise<Standing> {
  if (!answer.ok) {
    const finished = answer.reason === "media_not_found" ? await finishedUpload(env, id, owner as PersonId) : undefined;
    if (finished) return finished;
    throw refusal(answer.reason, answer.detail);
  }
  if (answer.stored) {
    if (!(await finish(env, id, answer.stored))) throw new ApiError("media_not_found");
    // When this is lost, the alarm ends it.
    background.waitUntil(actorOf(env, id).end().catch(notEnded(id)));
  }
  return answer;
}

const notEnded = (id: MediaId) => (error: unknown) =>
  console.warn("actor of an upload not ended, its alarm will", { id, error: String(error) });

async function finishedUpload(env: Env, id: MediaId, owner: PersonId): Promise<Standing | undefined> {
  const row = await drizzle(databaseOf(env, id))
    .select({ bytes: media.bytes, contentType: media.contentType })
    .from(media)
    .where(and(eq(media.id, id), eq(media.owner, owner), notInArray(media.state, ["uploading", "deleted"])))
    .get();
  return row && { offset: row.bytes, bytes: row.bytes, expiresAt: 0, stored: row.contentType };
}

const TOO_LARGE = "At most 25 MB for a picture, 512 MB for a video";
const DETAILS: Partial<Record<UploadRefusal, string>> = {
  unsupported_type: ACCEPTED,
  too_large: TOO_LARGE,
  chunk_too_large: "A chunk with a checksum has at most 5 MB",
  invalid_request: "The body is longer than what is missing",
};

function refusal(reason: UploadRefusal, detail = DETAILS[reason]): ApiError {
  return new ApiError(reason === "chunk_too_large" ? "too_large" : reason, detail);
}

const actorOf = (env: Env, id: MediaId) => env.UPLOADS.getByName(id);
