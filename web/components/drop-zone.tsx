import { useSignal } from "@preact/signals";
import { pick } from "../drafts.ts";
import { ACCEPT } from "../files.ts";
import { ALBUM_MAX, DURATION_MAX, PICTURE_MAX, VIDEO_MAX } from "../limits.ts";
import { size } from "../media-words.ts";
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
      <span class="drop-title">{small ? "Add another" : "Choose photographs or short videos"}</span>
      {!small && (
        <span class="soft">
          or drop them here, up to {ALBUM_MAX}: photographs of up to {size(PICTURE_MAX)}, videos of up to{" "}
          {DURATION_MAX / 60_000} minutes and {size(VIDEO_MAX)}. Location and camera details are taken out.
        </span>
      )}
    </label>
  );
}

function take(files: FileList | null | undefined): void {
  const leftOut = pick([...(files ?? [])]);
  if (leftOut > 0)
    tell(
      `A post holds ${ALBUM_MAX} pictures and videos; ${leftOut} ${leftOut === 1 ? "was" : "were"} left out.`,
      "error",
    );
}
