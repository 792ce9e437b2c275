import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
import { api } from "../api.ts";
import { DraftCard } from "../components/draft-card.tsx";
import { DropZone } from "../components/drop-zone.tsx";
import { Area } from "../components/field.tsx";
import { useSubmit } from "../components/submit.ts";
import { caption, clear, drafts, missing, readyMedia } from "../drafts.ts";
import { ALBUM_MAX, CAPTION_MAX, length } from "../limits.ts";
import { forgetLists } from "../list.ts";
import { cachePost } from "../posts.ts";
import { useTitle } from "../title.ts";
import { showToast } from "../toast.ts";

export function NewPostPage() {
  useTitle("New post");
  const { route } = useLocation();
  const files = drafts.value;
  const isTooLong = length(caption.value) > CAPTION_MAX;
  const todo = missing.value;
  useEffect(warnBeforeLeaving, []);

  const { problem, busy, onSubmit } = useSubmit(async () => {
    if (missing.value !== undefined || isTooLong) return;
    cachePost(await api.publish({ caption: caption.value, media: readyMedia() }));
    clear();
    forgetLists();
    showToast("Post published");
    route("/");
  });

  return (
    <form class="new-post" onSubmit={onSubmit}>
      <h1>New post</h1>
      <div class="new-post-pictures">
        <ol class="drafts">
          {files.map((draft, place) => (
            <DraftCard key={draft.key} draft={draft} place={place} of={files.length} />
          ))}
        </ol>
        {files.length < ALBUM_MAX && <DropZone small={files.length > 0} />}
      </div>
      <div class="new-post-words">
        <Area
          label="Caption"
          name="caption"
          rows={5}
          max={CAPTION_MAX}
          value={caption.value}
          placeholder="Write a caption (optional)"
          error={problem?.fields["caption"]}
          onText={(text) => (caption.value = text)}
        />
        <div role="alert">{problem && <p class="form-error">{problem.message}</p>}</div>
        <button class="button button-main button-big" type="submit" disabled={busy || todo !== undefined || isTooLong}>
          {busy ? "Publishing…" : "Publish"}
        </button>
        <p class="note" role="status">
          {todo}
        </p>
      </div>
    </form>
  );
}

// Drafts survive navigation within the client; only leaving it loses them.
function warnBeforeLeaving(): () => void {
  addEventListener("beforeunload", warn);
  return () => removeEventListener("beforeunload", warn);
}

function warn(event: BeforeUnloadEvent): void {
  if (drafts.value.length > 0) event.preventDefault();
}
