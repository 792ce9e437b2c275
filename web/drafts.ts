/** The pictures of a post that is being made. Each is sent as soon as it is picked, while its author writes. */
import { batch, computed, signal } from "@preact/signals";
import type { Media } from "../schema/api/media.ts";
import { ALBUM_MAX, ALT_MAX, length } from "./limits.ts";
import { type ApiProblem, asProblem } from "./problem.ts";
import { inspected, upload } from "./upload.ts";

export type Progress =
  | { state: "sending"; part: number }
  | { state: "inspecting" }
  | { state: "ready"; media: Media }
  | { state: "rejected"; reason: string }
  | { state: "failed"; problem: ApiProblem };

/** Codes that sending the same file again would only earn again. */
const FINAL = new Set(["unsupported_type", "too_large", "length_required"]);

export class Draft {
  readonly key = crypto.randomUUID();
  readonly file: File;
  readonly preview: string;
  readonly alt = signal("");
  readonly progress = signal<Progress>({ state: "sending", part: 0 });
  #abort = new AbortController();

  constructor(file: File) {
    this.file = file;
    this.preview = URL.createObjectURL(file);
  }

  async send(): Promise<void> {
    const { signal } = (this.#abort = new AbortController());
    this.progress.value = { state: "sending", part: 0 };
    try {
      const show = (part: number) => {
        this.progress.value = part < 1 ? { state: "sending", part } : { state: "inspecting" };
      };
      const sent = await upload(this.file, show, signal);
      this.progress.value = { state: "inspecting" };
      const media = await inspected(sent, signal);
      this.progress.value =
        media.state === "ready"
          ? { state: "ready", media }
          : { state: "rejected", reason: media.rejection?.detail ?? "This file cannot be used." };
    } catch (error) {
      const problem = asProblem(error);
      if (problem.code === "cancelled") return;
      this.progress.value = FINAL.has(problem.code)
        ? { state: "rejected", reason: problem.message }
        : { state: "failed", problem };
    }
  }

  drop(): void {
    this.#abort.abort();
    URL.revokeObjectURL(this.preview);
  }
}

export const drafts = signal<Draft[]>([]);
export const caption = signal("");

/** What must happen before the post can be published, in words; nothing when it can. */
export const missing = computed<string | undefined>(() => {
  const states = drafts.value.map(({ progress }) => progress.value.state);
  if (states.length === 0) return "Pick a photograph first.";
  if (states.includes("rejected")) return "Remove what cannot be used.";
  if (states.includes("failed")) return "Send again what did not arrive, or remove it.";
  if (states.some((state) => state !== "ready")) return "Your pictures are being prepared.";
  if (drafts.value.some(({ alt }) => length(alt.value) > ALT_MAX)) return "A description is too long.";
  return undefined;
});

/** Takes as many as an album holds and says how many were left out. */
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

export function clear(): void {
  batch(() => {
    for (const draft of drafts.value) draft.drop();
    drafts.value = [];
    caption.value = "";
  });
}

/** The pictures as the API takes them. */
export const readyMedia = () =>
  drafts.value.flatMap(({ progress: { value }, alt }) =>
    value.state === "ready" ? [{ id: value.media.id, ...(alt.value.trim() && { alt: alt.value }) }] : [],
  );
