import { statement } from "../../schema/d1/database.ts";
import { DurableObject } from "cloudflare:workers";
import { within } from "../../schema/d1/deadline.ts";
import { SNIFF_BYTES, typeOf } from "../../schema/media/file-signatures.ts";
import type { MediaId, PersonId } from "../../schema/ids.ts";
import { databaseOf, renewShards } from "../../schema/d1/shards.ts";
import { DIRECT_PART_BYTES } from "../../schema/media/upload-limits.ts";
import type { Answer, Append, UploadRefusal } from "../../schema/media/uploads.ts";
import { BodyReader, CutOff } from "./body-reader.ts";
import { checkedChunk } from "./checked-chunk.ts";
import { Turns } from "./turns.ts";
import { Assembly, type CallStore, faultOf } from "./upload-assembly.ts";
import { beginMultipart, completeParts, isFaultOfParts, removeObject, UploadLost } from "./upload-object.ts";
import { expiryOf, readUpload, type Upload, writeUpload } from "./upload-record.ts";

/** A bucket that takes nothing for so many ms has failed. The local one says nothing at all when its disk is full. */
const STORED_WITHIN = 10_000;
/** After D1 or R2 has failed in the removal of an upload. In ms. */
const RETRY_AFTER = 60_000;
export type Begin = Pick<Upload, "owner" | "key" | "bytes" | "direct">;

/**
 * One upload, named by the id of its media row, from its first byte until its object is whole. What it has acknowledged is
 * stored: the parts in R2, and what does not fill a part yet in its own storage. So an upload goes on from any byte, after
 * a crash too. It is a matter of one at a time, and who comes later goes on where the one before has stopped.
 *
 * That the object is whole, the route writes into D1, and then `end`s the actor. What does not come to an end is removed
 * by the alarm, 24 hours after its last byte.
 */
export class UploadActor extends DurableObject<Env> {
  readonly #id = this.ctx.id.name as MediaId;
  readonly #turns = new Turns();
  #storing: Promise<unknown> = Promise.resolve();

  /** To be called once, after the row is written. `multipart`: R2's id of an upload that the client sends there itself. */
  async begin({ owner, key, bytes, direct }: Begin): Promise<{ expiresAt: number; multipart?: string }> {
    const now = Date.now();
    const upload: Upload = { owner, key, bytes, direct, etags: [], isStored: false, begunAt: now, progressedAt: now };
    if (direct) upload.multipart = await this.#store((bucket) => beginMultipart(bucket, key));
    writeUpload(this.ctx.storage, upload);
    await this.ctx.storage.setAlarm(expiryOf(upload));
    const { multipart } = upload;
    return { expiresAt: expiryOf(upload), ...(multipart !== undefined && { multipart }) };
  }

  /** How far it is. Stops whoever is sending: what they have sent is in it. */
  async standing(owner: string): Promise<Answer> {
    return this.#alone(owner, async (upload) => {
      if (upload.direct) return refused("media_not_found");
      const assembly = this.#assembly(upload);
      // A crash may have come between the last byte and the object.
      if (assembly.offset === upload.bytes && !upload.isStored) await assembly.settle();
      return { ok: true, ...assembly.standing() };
    });
  }

  /** Appends the body. A stream, so this is no method of RPC; `what` is an `Append`, and the answer an `Answer`. */
  override async fetch(request: Request): Promise<Response> {
    const append = JSON.parse(new URL(request.url).searchParams.get("what") ?? "{}") as Append;
    const answer = await this.#alone(append.owner, (upload, stop) => this.#append(upload, append, request.body, stop));
    return Response.json(answer);
  }

  /** Makes one object of the parts that the client has sent to R2 itself, in their order, if it is what is accepted. */
  async complete(owner: string, etags: string[]): Promise<Answer> {
    return this.#alone(owner, async (upload) => {
      const { key, bytes, multipart, direct } = upload;
      if (!direct || multipart === undefined) return refused("media_not_found");
      const parts = Math.ceil(bytes / DIRECT_PART_BYTES);
      if (etags.length !== parts) return refused("invalid_request", `There must be ${parts} parts`);
      try {
        if (!upload.isStored) await this.#store((bucket) => completeParts(bucket, key, multipart, etags));
      } catch (error) {
        if (isFaultOfParts(error)) return refused("invalid_request", "These are not the parts that R2 has");
        throw error;
      }
      const object = await this.#store((bucket) => bucket.get(key, { range: { offset: 0, length: SNIFF_BYTES } }));
      if (!object) throw new UploadLost("its object is gone");
      const type = typeOf(new Uint8Array(await object.arrayBuffer()));
      const fault = faultOf(type, bytes);
      if (object.size !== bytes || !type || fault) {
        await this.#remove(upload);
        return fault ? refused(fault) : refused("invalid_request", `The parts have ${object.size} bytes, not ${bytes}`);
      }
      writeUpload(this.ctx.storage, { ...upload, isStored: true, contentType: type });
      return { ok: true, offset: bytes, bytes, expiresAt: expiryOf(upload), stored: type };
    });
  }

  /** Forgets it: the row says that the object is whole. */
  async end(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }

  /** Removes all that there is of it, the row too, unless it is finished. Of anybody's when no owner is given. */
  async discard(owner = readUpload(this.ctx.storage)?.owner): Promise<Answer | undefined> {
    if (owner === undefined) return undefined;
    return this.#alone(owner, async (upload) => {
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
        const upload = expired(); // Who was sending may have saved something.
        if (upload) await this.#remove(upload);
      });
    }
    const left = readUpload(this.ctx.storage);
    if (left) await this.ctx.storage.setAlarm(Math.max(expiryOf(left), Date.now() + RETRY_AFTER));
  }

  /** Runs `work` on the upload, if there is one of `owner`, alone. */
  async #alone(owner: string, work: (upload: Upload, stop: AbortSignal) => Promise<Answer>): Promise<Answer> {
    if (!this.#uploadOf(owner)) return refused("media_not_found");
    const answer = await this.#turns.take(async (stop) => {
      const upload = this.#uploadOf(owner);
      if (!upload) return refused("media_not_found");
      try {
        return await work(upload, stop);
      } catch (error) {
        if (error instanceof UploadLost) {
          await this.#remove(upload);
          return refused("media_not_found");
        }
        console.warn("upload not stored", { id: this.#id, error: String(error) });
        return refused("unavailable");
      }
    });
    return answer ?? refused("upload_busy");
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
    { offset, checksum }: Append,
    body: ReadableStream | null,
    stop: AbortSignal,
  ): Promise<Answer> {
    if (upload.direct) return refused("media_not_found");
    const assembly = this.#assembly(upload);
    if (offset !== assembly.offset) return refused("offset_mismatch", `It stands at ${assembly.offset} bytes`);
    const reader = new BodyReader(body, stop);
    try {
      await assembly.settle(); // When R2 has failed, a part that is full waits for it.
      const refusal = await taken(assembly, reader, checksum);
      if (isFault(refusal)) await this.#remove(upload);
      else assembly.save();
      return refusal ? refused(refusal) : { ok: true, ...assembly.standing() };
    } catch (error) {
      assembly.save();
      if (stop.aborted) return refused("upload_busy", "Another request goes on with this upload");
      if (error instanceof CutOff) return refused("invalid_request", "The body ended before its time");
      throw error;
    } finally {
      await reader.cancel();
    }
  }

  readonly #store: CallStore = async (call) => {
    // One that was too slow may still write: a part that is written twice at once has one of two etags.
    await within(STORED_WITHIN, this.#storing, "R2");
    const stored = call(this.env.MEDIA);
    this.#storing = stored.then(
      () => undefined,
      () => undefined,
    );
    return within(STORED_WITHIN, stored, "R2");
  };

  /**
   * The row first: whoever changes it first, the end of the upload or this, decides. Until all is gone, the record knows
   * what is left, and the alarm tries again.
   */
  async #remove(upload: Upload): Promise<void> {
    writeUpload(this.ctx.storage, { ...upload, progressedAt: 0 });
    await this.ctx.storage.setAlarm(Date.now() + RETRY_AFTER);
    try {
      await renewShards(this.env);
      const database = databaseOf(this.env, this.#id);
      const [, left] = await database.batch([
        statement("DELETE FROM media WHERE id = ? AND state = 'uploading'", this.#id),
        statement("SELECT 1 FROM media WHERE id = ?", this.#id),
      ]);
      if (left?.rows.length === 0) await this.#store((bucket) => removeObject(bucket, upload));
      await this.end();
    } catch (error) {
      console.warn("upload not removed, the alarm will", { id: this.#id, error: String(error) });
    }
  }
}

/** Takes the whole body in, or what comes of it before it is refused or cut off. */
async function taken(assembly: Assembly, reader: BodyReader, checksum: Append["checksum"]) {
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

const refused = (reason: UploadRefusal, detail?: string): Answer => ({
  ok: false,
  reason,
  ...(detail !== undefined && { detail }),
});
