import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { type Draft, type Progress, remove } from "../drafts.ts";
import { ALT_MAX } from "../limits.ts";
import { Icon } from "./icon.tsx";

export function DraftCard({ draft, place, of }: { draft: Draft; place: number; of: number }) {
  const { value } = draft.progress;
  const id = useId();
  const name = of > 1 ? `Picture ${place + 1}` : "Picture";
  return (
    <li class={`draft draft-${value.state}`}>
      <div class="draft-picture">
        <Preview draft={draft} />
        <button class="icon-button draft-remove" type="button" onClick={() => remove(draft)}>
          <Icon name="close" />
          <span class="unseen">Remove {name.toLowerCase()}</span>
        </button>
      </div>
      <div class="draft-text">
        <Status progress={value} name={name} retry={() => void draft.send()} />
        {value.state !== "rejected" && (
          <div class="field">
            <label for={id}>Describe it for people who cannot see it</label>
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

/** From the file itself, and its name where that is not a picture. */
function Preview({ draft }: { draft: Draft }) {
  const isUnreadable = useSignal(false);
  if (isUnreadable.value) {
    return (
      <div class="draft-blank">
        <Icon name="picture" />
        <span>{draft.file.name}</span>
      </div>
    );
  }
  return <img src={draft.preview} alt="" onError={() => (isUnreadable.value = true)} />;
}

function Status({ progress, name, retry }: { progress: Progress; name: string; retry: () => void }) {
  if (progress.state === "sending") {
    return (
      <label class="draft-status">
        {name}: sending
        <progress max={1} value={progress.part} />
      </label>
    );
  }
  if (progress.state === "failed") {
    return (
      <div class="draft-status form-error" role="alert">
        {name}: {progress.problem.message}
        <button class="button" type="button" onClick={retry}>
          Send again
        </button>
      </div>
    );
  }
  if (progress.state === "rejected") {
    return (
      <p class="draft-status form-error" role="alert">
        {name}: {progress.reason}
      </p>
    );
  }
  return (
    <div class="draft-status" role="status">
      {name}: {progress.state === "ready" ? "ready" : "being checked and resized"}
      {progress.state === "inspecting" && <progress />}
    </div>
  );
}
