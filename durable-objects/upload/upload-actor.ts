import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import { DurableObject } from "cloudflare:workers";
import { within } from "../../schema/d1/deadline.ts";
import { SNIFF_BYTES, detectMediaType } from "../../schema/media/file-signatures.ts";
import type { MediaId, PersonId } from "../../schema/ids.ts";
import { databaseOf, refreshShardMap } from "../../schema/d1/shards.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import { media } from "../../schema/tables/posts.ts";
import { DIRECT_PART_BYTES } from "../../schema/media/upload-limits.ts";
import type { UploadResult, AppendRequest, UploadRefusal } from "../../schema/media/uploads.ts";
import { logWarning } from "../../schema/log.ts";
import { BodyReader, CutOff } from "./body-reader.ts";
import { checkedChunk } from "./checked-chunk.ts";
import { Turns } from "./turns.ts";
import { Assembly, type CallStore, faultOf } from "./upload-assembly.ts";
import { beginMultipart, completeParts, isFaultOfParts, removeObject, UploadLost } from "./upload-object.ts";
import { expiryOf, readUpload, type Upload, writeUpload } from "./upload-record.ts";

/** A call to R2 that takes longer than this, in ms, has failed. The local bucket hangs when its disk is full. */
const STORED_WITHIN = 10_000;
/** The delay, in ms, after D1 or R2 has failed during the removal of an upload. */
const RETRY_AFTER = 60_000;
export type Begin = Pick<Upload, "owner" | "key" | "bytes" | "direct">;

/**
 * One upload, named by the id of its media row, from its first byte until its object is complete. Every acknowledged
 * byte is stored: full parts in R2, and the rest in the actor's own storage. So an upload can resume at any byte, even
 * after a crash. It serves one request at a time; a newer request stops the previous one and resumes where that one
 * stopped.
 *
 * When the object is complete, the route writes so to D1 and then calls `end`. An upload that never completes is
 * removed by the alarm, 24 hours after its last byte.
 */
export class UploadActor extends DurableObject<Env> {
  readonly #id = this.ctx.id.name as MediaId;
  readonly #turns = new Turns();
  #storing: Promise<unknown> = Promise.resolve();

  /**
   * Begins the upload. Must be called once, after the media row is written. `multipart` is R2's id of an upload whose
   * parts the client sends to R2 itself.
   */
  async begin({ owner, key, bytes, direct }: Begin): Promise<{ expiresAt: number; multipart?: string }> {
    const now = Date.now();
    const upload: Upload = { owner, key, bytes, direct, etags: [], isStored: false, begunAt: now, progressedAt: now };
    if (direct) upload.multipart = await this.#store((bucket) => beginMultipart(bucket, key));
    writeUpload(this.ctx.storage, upload);
    await this.ctx.storage.setAlarm(expiryOf(upload));
    const { multipart } = upload;
    return { expiresAt: expiryOf(upload), ...(multipart !== undefined && { multipart }) };
  }

  /** Returns the upload's progress. Stops a request that is sending; the bytes that it has sent are included. */
  async standing(owner: string): Promise<UploadResult> {
    return this.#exclusively(owner, async (upload) => {
      if (upload.direct) return refused("media_not_found");
      const assembly = this.#assembly(upload);
      // A crash may have come between the last byte and the completion of the object.
      if (assembly.offset === upload.bytes && !upload.isStored) await assembly.settle();
      return { ok: true, ...assembly.progress() };
    });
  }

  /**
   * Appends the body. Not an RPC method, because the body is a stream. `what` is an `AppendRequest`; the
   * response, an `UploadResult`.
   */
  override async fetch(request: Request): Promise<Response> {
    const append = JSON.parse(new URL(request.url).searchParams.get("what") ?? "{}") as AppendRequest;
    const result = await this.#exclusively(append.owner, (upload, stop) =>
      this.#append(upload, append, request.body, stop),
    );
    return Response.json(result);
  }

  /**
   * Combines the parts that the client has sent to R2 itself into one object. Removes the upload if the object has
   * another size than announced or a type that is not accepted.
   */
  async complete(owner: string, etags: string[]): Promise<UploadResult> {
    return this.#exclusively(owner, async (upload) => {
      const { key, bytes, multipart, direct } = upload;
      if (!direct || multipart === undefined) return refused("media_not_found");
      const parts = Math.ceil(bytes / DIRECT_PART_BYTES);
      if (etags.length !== parts) return refused("invalid_request", `This upload must have ${parts} parts`);
      try {
        if (!upload.isStored) await this.#store((bucket) => completeParts(bucket, key, multipart, etags));
      } catch (error) {
        if (isFaultOfParts(error))
          return refused("invalid_request", "These parts do not match the ones that were uploaded");
        throw error;
      }
      const object = await this.#store((bucket) => bucket.get(key, { range: { offset: 0, length: SNIFF_BYTES } }));
      if (!object) throw new UploadLost("its object is gone");
      const type = detectMediaType(new Uint8Array(await object.arrayBuffer()));
      const fault = faultOf(type, bytes);
      if (object.size !== bytes || !type || fault) {
        await this.#remove(upload);
        if (fault) return refused(fault);
        return refused("invalid_request", `The parts have ${object.size} bytes instead of ${bytes}`);
      }
      writeUpload(this.ctx.storage, { ...upload, isStored: true, contentType: type });
      return { ok: true, offset: bytes, bytes, expiresAt: expiryOf(upload), stored: type };
    });
  }

  /** Clears the actor's storage, after the media row says that the object is complete. */
  async end(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }

  /** Removes the whole upload with its row, unless it is finished. Without `owner`, it does so for any owner. */
  async discard(owner = readUpload(this.ctx.storage)?.owner): Promise<UploadResult | undefined> {
    if (owner === undefined) return undefined;
    return this.#exclusively(owner, async (upload) => {
      await this.#remove(upload);
      return { ok: true, offset: 0, bytes: upload.bytes, expiresAt: 0 };
    });
  }

  override async alarm(): Promise<void> {
    const expired = () => {
      const upload = readUpload(this.ctx.storage);
      return upload && Date.now() >= expiryOf(upload) ? upload : undefined;
    };
    if (expired()) {
      await this.#turns.take(async () => {
        const upload = expired(); // The request that was stopped may have saved bytes.
        if (upload) await this.#remove(upload);
      });
    }
    const left = readUpload(this.ctx.storage);
    if (left) await this.ctx.storage.setAlarm(Math.max(expiryOf(left), Date.now() + RETRY_AFTER));
  }

  /** Runs `work` exclusively on the upload of `owner`. Turns its errors into refusals. */
  async #exclusively(
    owner: string,
    work: (upload: Upload, stop: AbortSignal) => Promise<UploadResult>,
  ): Promise<UploadResult> {
    if (!this.#uploadOf(owner)) return refused("media_not_found");
    const result = await this.#turns.take(async (stop) => {
      const upload = this.#uploadOf(owner);
      if (!upload) return refused("media_not_found");
      try {
        return await work(upload, stop);
      } catch (error) {
        if (error instanceof UploadLost) {
          await this.#remove(upload);
          return refused("media_not_found");
        }
        logWarning("upload not stored", { id: this.#id, error: String(error) });
        return refused("unavailable");
      }
    });
    return result ?? refused("upload_busy");
  }

  #uploadOf(owner: string): Upload | undefined {
    const upload = readUpload(this.ctx.storage);
    return upload?.owner === (owner as PersonId) && Date.now() < expiryOf(upload) ? upload : undefined;
  }

  #assembly(upload: Upload): Assembly {
    return new Assembly(this.ctx.storage, upload, this.#store);
  }

  async #append(
    upload: Upload,
    { offset, checksum }: AppendRequest,
    body: ReadableStream | null,
    stop: AbortSignal,
  ): Promise<UploadResult> {
    if (upload.direct) return refused("media_not_found");
    const assembly = this.#assembly(upload);
    if (offset !== assembly.offset) return refused("offset_mismatch", `The upload is at offset ${assembly.offset}`);
    const reader = new BodyReader(body, stop);
    try {
      await assembly.settle(); // After a failure of R2 there is a full part that is not stored yet.
      const refusal = await appendBody(assembly, reader, checksum);
      if (isFault(refusal)) await this.#remove(upload);
      else assembly.save();
      return refusal ? refused(refusal) : { ok: true, ...assembly.progress() };
    } catch (error) {
      assembly.save();
      if (stop.aborted) return refused("upload_busy", "Another request has taken over this upload");
      if (error instanceof CutOff) return refused("invalid_request", "The body ended early");
      throw error;
    } finally {
      await reader.cancel();
    }
  }

  readonly #store: CallStore = async (call) => {
    // Waits for a call that timed out, which may still write: a part written twice at once may get either etag.
    await within(STORED_WITHIN, this.#storing, "R2");
    const stored = call(this.env.MEDIA);
    this.#storing = stored.then(
      () => undefined,
      () => undefined,
    );
    return within(STORED_WITHIN, stored, "R2");
  };

  /**
   * Removes the row first: whichever changes it first, the completion of the upload or its removal, wins. Until
   * everything is removed, the record keeps track of the rest, and the alarm tries again.
   */
  async #remove(upload: Upload): Promise<void> {
    writeUpload(this.ctx.storage, { ...upload, progressedAt: 0 });
    await this.ctx.storage.setAlarm(Date.now() + RETRY_AFTER);
    try {
      await refreshShardMap(this.env);
      const database = databaseOf(this.env, this.#id);
      const [, left] = await database.batch([statement(DELETE, this.#id), statement(EXISTING, this.#id)]);
      if (left?.rows.length === 0) await this.#store((bucket) => removeObject(bucket, upload));
      await this.end();
    } catch (error) {
      logWarning("upload not removed, will retry", { id: this.#id, error: String(error) });
    }
  }
}

const UPLOADING: typeof media.$inferSelect.state = "uploading";
const DELETE = textOf(sql`DELETE FROM ${media} WHERE ${media.id} = ?1 AND ${media.state} = ${literal(UPLOADING)}`);
const EXISTING = textOf(sql`SELECT 1 FROM ${media} WHERE ${media.id} = ?1`);

/** Appends the body, up to a refusal or a cut. Returns the refusal, if there is one. */
async function appendBody(assembly: Assembly, reader: BodyReader, checksum: AppendRequest["checksum"]) {
  if (checksum) {
    const chunk = await checkedChunk(reader, checksum);
    return typeof chunk === "string" ? chunk : assembly.add(chunk);
  }
  for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
    const refusal = await assembly.add(chunk);
    if (refusal) return refusal;
  }
  return undefined;
}

const isFault = (refusal: UploadRefusal | undefined): boolean =>
  refusal === "unsupported_type" || refusal === "too_large";

const refused = (reason: UploadRefusal, detail?: string): UploadResult => ({
  ok: false,
  reason,
  ...(detail !== undefined && { detail }),
});
