import { useSignal } from "@preact/signals";
import { pick } from "../drafts.ts";
import { ACCEPT, ALBUM_MAX } from "../limits.ts";
import { tell } from "../toast.ts";
import { Icon } from "./icon.tsx";

/** Where files are dropped or picked: a label around a real file input, so that the keyboard reaches it. */
export function DropZone({ small }: { small: boolean }) {
  const isOver = useSignal(false);

  return (
    <label
      class={`drop ${small ? "drop-small" : ""} ${isOver.value ? "drop-over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => (isOver.value = false)}
      onDrop={(event) => {
        event.preventDefault();
        isOver.value = false;
        take(event.dataTransfer?.files);
      }}
    >
      <input
        class="unseen"
        type="file"
        accept={ACCEPT}
        multiple
        onChange={({ currentTarget }) => {
          take(currentTarget.files);
          // So that the same file can be picked again after it was removed.
          currentTarget.value = "";
        }}
      />
      <Icon name={small ? "plus" : "picture"} />
      <span class="drop-title">{small ? "Add another" : "Choose photographs"}</span>
      {!small && (
        <span class="soft">or drop them here, up to {ALBUM_MAX}. Location and camera details are taken out.</span>
      )}
    </label>
  );
}

function take(files: FileList | null | undefined): void {
  const leftOut = pick([...(files ?? [])]);
  if (leftOut > 0) tell(`A post holds ${ALBUM_MAX} pictures; ${leftOut} were left out.`, "error");
}
