import { useSignal } from "@preact/signals";
import { showToast } from "../../browser/toast.ts";
import { ALBUM_MAX, DURATION_MAX, PICTURE_MAX, VIDEO_MAX } from "../../limits.ts";
import { pick } from "../../uploads/drafts.ts";
import { ACCEPT } from "../../uploads/files.ts";
import { size } from "../../words/media.ts";
import { Icon } from "../common/icon.tsx";

/** Takes files by drop or from the picker. A label around a real file input, so that the keyboard reaches it. */
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
          // Cleared, so that a file that was removed can be picked again.
          currentTarget.value = "";
        }}
      />
      <Icon name={small ? "plus" : "picture"} />
      <span class="drop-title">{small ? "Add another" : "Choose photos or short videos"}</span>
      {!small && (
        <span class="soft">
          or drop them here, up to {ALBUM_MAX}: photos up to {size(PICTURE_MAX)}, videos up to {DURATION_MAX / 60_000}{" "}
          minutes and {size(VIDEO_MAX)}. Location and camera details are removed.
        </span>
      )}
    </label>
  );
}

function take(files: FileList | null | undefined): void {
  const leftOut = pick([...(files ?? [])]);
  if (leftOut > 0)
    showToast(
      `A post holds up to ${ALBUM_MAX} photos and videos. ${leftOut} ${leftOut === 1 ? "was" : "were"} left out.`,
      "error",
    );
}
