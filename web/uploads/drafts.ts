/** The pictures and videos of a new post. Each is uploaded as soon as it is picked, while its author writes. */
import { batch, computed, signal } from "@preact/signals";
import type { Media } from "../../schema/api/media.ts";
import { api } from "../api/api.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { ALBUM_MAX, ALT_MAX, length } from "../limits.ts";
import { isSentInParts, kindOf, refusalOf } from "./files.ts";
import { asJpeg, HEIC_NOT_DECODED, isHeic } from "./heic.ts";
import { type Resumable, resumable } from "./resumable.ts";
import { awaitInspection, upload } from "./upload.ts";
import { readVideo, type VideoFile } from "./video-file.ts";

export type Progress =
  | { state: "sending"; part: number; isWaiting: boolean }
  | { state: "inspecting" }
  | { state: "ready"; media: Media }
  /** `again`: the media, if it may be inspected once more. */
  | { state: "rejected"; reason: string; again?: Media }
  | { state: "failed"; problem: ApiProblem };

/** Problems that uploading the same file again would only repeat. */
const FINAL = new Set(["unsupported_type", "too_large", "length_required"]);
const BEGUN: Progress = { state: "sending", part: 0, isWaiting: false };

/** Whether this server has rejected a HEIC that the browser could read. Then the next ones are converted before they are sent. */
let isHeicRejected = false;

/** One picked file: its upload, its inspection and its description. */
export class Draft {
  readonly key = crypto.randomUUID();
  readonly file: File;
  readonly kind: "picture" | "video";
  readonly preview: string;
  readonly alt = signal("");
  readonly progress = signal<Progress>(BEGUN);
  /** The JPEG that is uploaded in place of a HEIC. */
  readonly converted = signal<File | undefined>(undefined);
  #abort = new AbortController();
  #parts: Resumable | undefined;
  #sent: Media | undefined;
  #video: Promise<VideoFile> | undefined;

  constructor(file: File) {
    this.file = file;
    this.kind = kindOf(file);
    this.preview = URL.createObjectURL(file);
  }

  /** Uploads the file and awaits its inspection. Called again after a failure, it resumes. Never rejects. */
  send(): Promise<void> {
    return this.#run(async (signal) => {
      if (this.kind === "video") this.#video ??= readVideo(this.preview);
      const refusal = refusalOf(this.file) ?? refusalOf(this.file, (await this.#video)?.durationMs);
      if (refusal !== undefined) return { state: "rejected", reason: refusal };
      if (isHeicRejected && isHeic(this.file)) this.converted.value ??= await asJpeg(this.file);
      if (!this.#sent) {
        if (this.progress.value.state !== "sending") this.progress.value = BEGUN;
        this.#sent = await this.#transfer(signal);
      }
      return this.#awaitInspection(this.#sent, signal);
    });
  }

  /** Has a rejected file inspected again, where the fault may have been the API's. Never rejects. */
  inspectAgain(rejected: Media): Promise<void> {
    return this.#run(async (signal) => this.#awaitInspection(await api.inspectAgain(rejected.id), signal));
  }

  /** Cancels whatever is under way, and deletes the parts that have arrived. */
  drop(): void {
    this.#abort.abort();
    if (!this.#sent) this.#parts?.drop();
    URL.revokeObjectURL(this.preview);
  }

  async #run(work: (signal: AbortSignal) => Promise<Progress>): Promise<void> {
    const { signal } = (this.#abort = new AbortController());
    try {
      this.progress.value = await work(signal);
    } catch (error) {
      const problem = asProblem(error);
      if (problem.code === "cancelled") return;
      this.progress.value = FINAL.has(problem.code)
        ? { state: "rejected", reason: problem.message }
        : { state: "failed", problem };
    }
  }

  async #transfer(signal: AbortSignal): Promise<Media> {
    const show = (part: number, isWaiting = false) => {
      if (!signal.aborted) this.progress.value = { state: "sending", part, isWaiting };
    };
    const file = this.converted.value ?? this.file;
    if (!isSentInParts(file)) return upload(file, show, signal);
    this.#parts ??= resumable(file, show);
    return api.media(await this.#parts.send());
  }

  async #awaitInspection(media: Media, signal: AbortSignal): Promise<Progress> {
    this.progress.value = { state: "inspecting" };
    const withPoster = this.#sendPoster(media);
    let settled = await awaitInspection(media, signal);
    // The inspection may have settled before the poster arrived; then its result has no URLs yet.
    if ((await withPoster) && settled.state === "ready" && !settled.urls) settled = await api.media(media.id);
    if (settled.state === "ready") return { state: "ready", media: settled };
    if (settled.rejection?.code === HEIC_NOT_DECODED && (await this.#convert(settled))) {
      this.#sent = await this.#transfer(signal);
      return this.#awaitInspection(this.#sent, signal);
    }
    const { detail = "This file can’t be used.", mayRetry = false } = settled.rejection ?? {};
    return { state: "rejected", reason: detail, ...(mayRetry && { again: settled }) };
  }

  /** Converts a HEIC that the server has rejected, and deletes that upload; returns whether the browser could read it. */
  async #convert({ id }: Media): Promise<boolean> {
    this.converted.value ??= await asJpeg(this.file);
    if (!this.converted.value) return false;
    isHeicRejected = true;
    this.#parts = undefined;
    api.deleteMedia(id).catch(() => undefined); // The server deletes it by itself, only later.
    return true;
  }

  /** Uploads a frame as the poster; returns whether that worked. Without one, a video shows its first frame. */
  async #sendPoster({ id, urls }: Media): Promise<boolean> {
    const frame = (await this.#video)?.frame;
    if (!frame || urls) return false;
    return api.poster(id, frame).then(
      () => true,
      () => false,
    );
  }
}

export const drafts = signal<Draft[]>([]);
export const caption = signal("");

/** What is missing before the post can be published, in words; undefined when nothing is. */
export const missing = computed<string | undefined>(() => {
  const states = drafts.value.map(({ progress }) => progress.value.state);
  if (states.length === 0) return "Add a photo or video first.";
  if (states.includes("rejected")) return "Remove the files that can’t be used.";
  if (states.includes("failed")) return "Upload the failed files again, or remove them.";
  if (states.some((state) => state !== "ready")) return "Your files are still being processed.";
  if (drafts.value.some(({ alt }) => length(alt.value) > ALT_MAX)) return "Shorten the description that is too long.";
  return undefined;
});

/** Adds as many files as the album has room for. Returns how many were left out. */
export function pick(files: File[]): number {
  const taken = files.slice(0, ALBUM_MAX - drafts.value.length).map((file) => new Draft(file));
  drafts.value = [...drafts.value, ...taken];
  for (const draft of taken) void draft.send();
  return files.length - taken.length;
}

export function remove(draft: Draft): void {
  draft.drop();
  drafts.value = drafts.value.filter((other) => other !== draft);
}

/** Moves a draft one place towards the beginning of the album (-1) or its end (1). */
export function move(draft: Draft, by: -1 | 1): void {
  const from = drafts.value.indexOf(draft);
  const to = from + by;
  if (to < 0 || to >= drafts.value.length) return;
  drafts.value = drafts.value.toSpliced(from, 1).toSpliced(to, 0, draft);
}

export function clear(): void {
  batch(() => {
    for (const draft of drafts.value) draft.drop();
    drafts.value = [];
    caption.value = "";
  });
}

/** The uploaded media with their descriptions, as `POST /v1/posts` takes them. */
export const readyMedia = () =>
  drafts.value.flatMap(({ progress: { value }, alt }) =>
    value.state === "ready" ? [{ id: value.media.id, ...(alt.value.trim() && { alt: alt.value }) }] : [],
  );
