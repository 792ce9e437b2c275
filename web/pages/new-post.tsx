import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
import { api } from "../api/api.ts";
import { showToast } from "../browser/toast.ts";
import { FormProblem } from "../components/controls/form-problem.tsx";
import { Area } from "../components/controls/field.tsx";
import { useSubmit } from "../components/controls/submit.ts";
import { useTitle } from "../components/frame/title.ts";
import { DraftCard } from "../components/new-post/draft-card.tsx";
import { DropZone } from "../components/new-post/drop-zone.tsx";
import { ALBUM_MAX, CAPTION_MAX, length } from "../limits.ts";
import { forgetLists } from "../state/list.ts";
import { cachePost } from "../state/posts.ts";
import { caption, clear, drafts, missing, readyMedia } from "../uploads/drafts.ts";

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
        <FormProblem problem={problem} />
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
