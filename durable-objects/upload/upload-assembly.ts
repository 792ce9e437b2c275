/** An upload while bytes come in: filled part by part, and at the end made one object. */
import { SNIFF_BYTES, typeOf } from "../../schema/media/file-signatures.ts";
import type { MediaType } from "../../schema/media/media-types.ts";
import { maxBytesOf } from "../../schema/media/upload-limits.ts";
import { beginMultipart, completeParts, isFaultOfParts, storePart, storeWhole, UploadLost } from "./upload-object.ts";
import {
  bytesInParts,
  clearTail,
  expiryOf,
  type OpenPart,
  openPart,
  partsOf,
  saveTail,
  type Upload,
  writeUpload,
} from "./upload-record.ts";
import type { Standing } from "../../schema/media/uploads.ts";

/** Why a file is refused by its first bytes. */
export type Fault = "unsupported_type" | "too_large";

export const faultOf = (type: MediaType | undefined, bytes: number): Fault | undefined => {
  if (!type) return "unsupported_type";
  return bytes > maxBytesOf(type) ? "too_large" : undefined;
};

/** Runs one call of R2, or throws when it takes too long. */
export type CallStore = <T>(call: (bucket: R2Bucket) => Promise<T>) => Promise<T>;

export class Assembly {
  readonly upload: Upload;
  readonly #storage: DurableObjectStorage;
  readonly #store: CallStore;
  #part: OpenPart;

  constructor(storage: DurableObjectStorage, upload: Upload, store: CallStore) {
    this.upload = upload;
    this.#storage = storage;
    this.#store = store;
    this.#part = openPart(storage, upload);
  }

  /** How many bytes have come. */
  get offset(): number {
    return bytesInParts(this.upload) + this.#part.filled;
  }

  standing(): Standing {
    const { bytes, isStored, contentType } = this.upload;
    const standing = { offset: this.offset, bytes, expiresAt: expiryOf(this.upload) };
    return isStored && contentType ? { ...standing, stored: contentType } : standing;
  }

  /**
   * Takes a chunk in, and gives each part that is full to R2. `unsupported_type` and `too_large` are the end of an upload;
   * of what is longer than announced (`invalid_request`) nothing is taken.
   */
  async add(chunk: Uint8Array): Promise<Fault | "invalid_request" | undefined> {
    if (this.offset + chunk.length > this.upload.bytes) return "invalid_request";
    for (let rest = chunk; rest.length > 0;) {
      await this.settle();
      const { bytes, filled } = this.#part;
      const taken = rest.subarray(0, bytes.length - filled);
      bytes.set(taken, filled);
      this.#part.filled += taken.length;
      rest = rest.subarray(taken.length);
      const fault = this.#knowType();
      if (fault) return fault;
    }
    await this.settle();
    return undefined;
  }

  /** Keeps what has come and is not in R2. */
  save(): void {
    if (this.#part.saved === this.#part.filled) return;
    saveTail(this.#storage, this.#part);
    this.upload.progressedAt = Date.now();
    writeUpload(this.#storage, this.upload);
  }

  /** Stores a part that is full, and makes the object once all of them are stored. Throws when R2 fails. */
  async settle(): Promise<void> {
    const { upload } = this;
    if (this.#part.bytes.length > 0 && this.#part.filled === this.#part.bytes.length) {
      if (partsOf(upload) === 1) await this.#storeWhole();
      else await this.#storePart();
    }
    if (upload.multipart === undefined || upload.isStored || upload.etags.length < partsOf(upload)) return;
    const { key, multipart, etags } = upload;
    try {
      await this.#store((bucket) => completeParts(bucket, key, multipart, etags));
    } catch (error) {
      // A part that was stored twice, with a crash in between, has another etag than it was known by.
      throw isFaultOfParts(error)
        ? new UploadLost("its parts are not those that were stored", { cause: error })
        : error;
    }
    upload.isStored = true;
    writeUpload(this.#storage, upload);
  }

  // As soon as it can be told.
  #knowType(): Fault | undefined {
    const { contentType, bytes } = this.upload;
    if (contentType || (this.offset < SNIFF_BYTES && this.offset < bytes)) return undefined;
    const type = typeOf(this.#part.bytes.subarray(0, this.#part.filled));
    if (type) this.upload.contentType = type;
    return faultOf(type, bytes);
  }

  async #storeWhole(): Promise<void> {
    const { upload } = this;
    const { bytes } = this.#part;
    await this.#store((bucket) => storeWhole(bucket, upload.key, bytes, upload.contentType ?? ""));
    upload.isStored = true;
    this.#stored("whole");
  }

  async #storePart(): Promise<void> {
    const { upload } = this;
    const { key } = upload;
    const { bytes } = this.#part;
    const multipart =
      upload.multipart ?? (await this.#store((bucket) => beginMultipart(bucket, key, upload.contentType)));
    if (upload.multipart === undefined) {
      upload.multipart = multipart;
      // Before there is a part: a multipart upload that nobody knows of lies in R2 for a week.
      writeUpload(this.#storage, upload);
    }
    const number = upload.etags.length + 1;
    this.#stored(await this.#store((bucket) => storePart(bucket, key, multipart, number, bytes)));
  }

  // In one transaction, because nothing is awaited between.
  #stored(etag: string): void {
    this.upload.etags.push(etag);
    this.upload.progressedAt = Date.now();
    clearTail(this.#storage);
    writeUpload(this.#storage, this.upload);
    this.#part = openPart(this.#storage, this.upload);
  }
}
