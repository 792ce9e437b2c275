import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { ALT_MAX } from "../../limits.ts";
import { type Draft, type Progress } from "../../uploads/drafts.ts";
import { Icon } from "../common/icon.tsx";
import { MovingPicture } from "../media/moving-picture.tsx";
import { DraftStatus } from "../controls/draft-status.tsx";
import { DraftFindings } from "./draft-findings.tsx";
import { DraftTools } from "./draft-tools.tsx";

/** One picked file: its preview, how far its upload is, and its description. */
export function DraftCard({ draft, place, of }: { draft: Draft; place: number; of: number }) {
  const { value } = draft.progress;
  const id = useId();
  const what = draft.kind === "video" ? "Video" : "Photo";
  const name = of > 1 ? `${what} ${place + 1}` : what;
  return (
    <li class={`draft draft-${value.state}`}>
      <div class="draft-picture">
        <Preview draft={draft} progress={value} name={name} />
        <DraftTools draft={draft} place={place} of={of} name={name.toLowerCase()} />
      </div>
      <div class="draft-text">
        <DraftStatus draft={draft} name={name} />
        {draft.converted.value && (
          <p class="note">Your browser made a JPEG of it, because this server can’t read HEIC photos.</p>
        )}
        {value.state === "ready" && <DraftFindings media={value.media} />}
        {value.state !== "rejected" && (
          <div class="field">
            <label for={id}>Describe it for people who can’t see it</label>
            <input
              id={id}
              value={draft.alt.value}
              maxLength={ALT_MAX}
              placeholder="Two boats on a calm river"
              onInput={({ currentTarget }) => (draft.alt.value = currentTarget.value)}
            />
          </div>
        )}
      </div>
    </li>
  );
}

/** Shows the file itself. If this browser cannot read it: its name, then the API's rendition once there is one. */
function Preview({ draft, progress, name }: { draft: Draft; progress: Progress; name: string }) {
  const isUnreadable = useSignal(false);
  const onError = () => (isUnreadable.value = true);
  const served = progress.state === "ready" ? progress.media.urls?.w640 : undefined;
  if (isUnreadable.value && served !== undefined) return <img src={served} alt="" />;
  const blank = (shown = "") => (
    <div class={`draft-blank ${shown}`}>
      <Icon name={draft.kind === "video" ? "play" : "picture"} />
      <span>{draft.file.name}</span>
    </div>
  );
  if (isUnreadable.value) return blank();
  if (draft.kind === "picture") {
    const picture = (src: string, shown = "") => <img class={shown} src={src} alt="" onError={onError} />;
    const { moving, details } = progress.state === "ready" ? progress.media : {};
    // It has no still yet. Most GIFs move.
    if (progress.state !== "ready" && draft.file.type === "image/gif")
      return <MovingPicture url={draft.preview} label={name} still={blank} onStale={onError} />;
    // Where only the first frame will be shown, its owner sees that.
    if (!moving || served === undefined) return picture(details?.motion ? (served ?? draft.preview) : draft.preview);
    return <MovingPicture url={draft.preview} label={name} still={(shown) => picture(served, shown)} />;
  }
  return <video src={draft.preview} controls playsInline preload="metadata" aria-label={name} onError={onError} />;
}
