import { api } from "../../api/api.ts";
import { useLoad } from "../../api/load.ts";
import { Prose } from "../common/prose.tsx";
import { Failure, RowsSkeleton } from "../common/states.tsx";
import { Time } from "../common/time.tsx";
import { Dialog } from "../controls/dialog.tsx";

/** The earlier captions of a post, newest first. */
export function EarlierCaptions({ post, close }: { post: string; close: () => void }) {
  const { value, problem, reload } = useLoad(post, () => api.captions(post));
  // The first one is the current caption.
  const earlier = value.value?.items.slice(1);
  return (
    <Dialog title="Earlier captions" description="Only you can see these." close={close}>
      {!earlier && !problem.value && <RowsSkeleton rows={2} />}
      {problem.value && <Failure problem={problem.value} retry={reload} />}
      <ol class="earlier">
        {earlier?.map(({ caption, at }) => (
          <li key={at}>
            <p class="note">
              <Time at={at} />
            </p>
            <p class="prose">{caption === "" ? <i class="soft">No caption</i> : <Prose text={caption} />}</p>
          </li>
        ))}
      </ol>
      <div class="buttons dialog-buttons">
        <button class="button" type="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
