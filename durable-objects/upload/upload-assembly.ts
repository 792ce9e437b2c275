/** Fills an upload part by part while its bytes arrive, and combines the parts into one object at the end. */
import { SNIFF_BYTES, detectMediaType } from "../../schema/media/file-signatures.ts";
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
import type { UploadProgress } from "../../schema/media/uploads.ts";

/** The reason why a file is refused after its first bytes. */
export type Fault = "unsupported_type" | "too_large";

/** Returns why a file with this detected type and size is refused; undefined if it is accepted. */
export const faultOf = (type: MediaType | undefined, bytes: number): Fault | undefined => {
  if (!type) return "unsupported_type";
  return bytes > maxBytesOf(type) ? "too_large" : undefined;
};

/** Runs one call to R2, and throws if it takes too long. */
export type CallStore = <T>(call: (bucket: R2Bucket) => Promise<T>) => Promise<T>;

/** The state of one upload during a request: the record in storage, and the part that is being filled. */
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

  /** How many bytes have arrived. */
  get offset(): number {
    return bytesInParts(this.upload) + this.#part.filled;
  }

  progress(): UploadProgress {
    const { bytes, isStored, contentType } = this.upload;
    const progress = { offset: this.offset, bytes, expiresAt: expiryOf(this.upload) };
    return isStored && contentType ? { ...progress, stored: contentType } : progress;
  }

  /**
   * Appends a chunk, and sends each full part to R2. `unsupported_type` and `too_large` end the upload; a chunk that
   * goes beyond the announced length (`invalid_request`) is not appended at all.
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
      const fault = this.#detectType();
      if (fault) return fault;
    }
    await this.settle();
    return undefined;
  }

  /** Saves the bytes that have arrived and are not in R2 yet. */
  save(): void {
    if (this.#part.saved === this.#part.filled) return;
    saveTail(this.#storage, this.#part);
    this.upload.progressedAt = Date.now();
    writeUpload(this.#storage, this.upload);
  }

  /** Stores the part if it is full, and completes the object once all parts are stored. Throws when R2 fails. */
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
      // A part that was stored twice, with a crash in between, may have another etag than the recorded one.
      throw isFaultOfParts(error)
        ? new UploadLost("its parts are not those that were stored", { cause: error })
        : error;
    }
    upload.isStored = true;
    writeUpload(this.#storage, upload);
  }

  /** Detects the type once enough bytes are there. Returns a fault if the file is not accepted. */
  #detectType(): Fault | undefined {
    const { contentType, bytes } = this.upload;
    if (contentType || (this.offset < SNIFF_BYTES && this.offset < bytes)) return undefined;
    const type = detectMediaType(this.#part.bytes.subarray(0, this.#part.filled));
    if (type) this.upload.contentType = type;
    return faultOf(type, bytes);
  }

  async #storeWhole(): Promise<void> {
    const { upload } = this;
    const { bytes } = this.#part;
    await this.#store((bucket) => storeWhole(bucket, upload.key, bytes, upload.contentType ?? ""));
    upload.isStored = true;
    this.#recordPart("whole");
  }

  async #storePart(): Promise<void> {
    const { upload } = this;
    const { key } = upload;
    const { bytes } = this.#part;
    const multipart =
      upload.multipart ?? (await this.#store((bucket) => beginMultipart(bucket, key, upload.contentType)));
    if (upload.multipart === undefined) {
      upload.multipart = multipart;
      // Written before there is a part: R2 keeps a multipart upload whose id was lost for a week.
      writeUpload(this.#storage, upload);
    }
    const number = upload.etags.length + 1;
    this.#recordPart(await this.#store((bucket) => storePart(bucket, key, multipart, number, bytes)));
  }

  /** Records a stored part. All writes are in one transaction, because nothing is awaited between them. */
  #recordPart(etag: string): void {
    this.upload.etags.push(etag);
    this.upload.progressedAt = Date.now();
    clearTail(this.#storage);
    writeUpload(this.#storage, this.upload);
    this.#part = openPart(this.#storage, this.upload);
  }
}
