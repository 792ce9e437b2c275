import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { MediaId } from "../../../schema/ids.ts";
import { api } from "../../api/api.ts";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { me, setMe } from "../../state/session.ts";
import { Draft } from "../../uploads/drafts.ts";
import { ACCEPT_PICTURES, kindOf } from "../../uploads/files.ts";
import { DraftStatus } from "../controls/draft-status.tsx";
import { FormProblem } from "../controls/form-problem.tsx";
import { Portrait } from "../people/portrait.tsx";

/** Chooses and removes the viewer's profile picture. A photo is set as soon as it is uploaded. */
export function ProfilePicture() {
  const draft = useSignal<Draft | undefined>(undefined);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const busy = useSignal(false);
  const ready = useComputed(() => {
    const progress = draft.value?.progress.value;
    return progress?.state === "ready" ? progress.media.id : undefined;
  });

  const change = async (work: () => Promise<unknown>, done: string) => {
    if (busy.peek()) return;
    busy.value = true;
    problem.value = undefined;
    try {
      await work();
      showToast(done);
    } catch (error) {
      problem.value = asProblem(error);
    } finally {
      replace(undefined);
      busy.value = false;
    }
  };
  const replace = (next: Draft | undefined) => {
    draft.peek()?.drop();
    draft.value = next;
  };
  const set = (media: MediaId) =>
    change(async () => setMe({ picture: (await api.setPicture(media)).media }), "Your profile picture is changed");
  const remove = () =>
    change(async () => {
      await api.removePicture();
      setMe({ picture: undefined });
    }, "Your profile picture is removed");
  const choose = (file: File | undefined) => {
    if (!file) return;
    if (kindOf(file) === "video") return showToast("Choose a photo, not a video.", "error");
    problem.value = undefined;
    const next = new Draft(file);
    replace(next);
    void next.send();
  };
  useSignalEffect(() => {
    if (ready.value !== undefined) void set(ready.value);
  });
  useEffect(() => () => replace(undefined), []);

  const person = me.value;
  if (!person) return null;
  return (
    <section class="section profile-picture">
      <h2>Profile picture</h2>
      <div class="profile-picture-shown">
        <Preview key={draft.value?.key} draft={draft.value} />
      </div>
      <p class="soft">Everybody can see it, even if your account is private. It shows the square in the middle.</p>
      <div class="buttons">
        <label class="button button-main">
          {person.picture ? "Change photo" : "Choose a photo"}
          <input
            class="unseen"
            type="file"
            accept={ACCEPT_PICTURES}
            onChange={({ currentTarget }) => {
              choose(currentTarget.files?.[0]);
              currentTarget.value = ""; // So that the same file can be picked again.
            }}
          />
        </label>
        {draft.value ? (
          <button class="button" type="button" onClick={() => replace(undefined)}>
            Cancel
          </button>
        ) : (
          person.picture && (
            <button class="button" type="button" aria-disabled={busy} onClick={() => void remove()}>
              Remove photo
            </button>
          )
        )}
      </div>
      {draft.value && <DraftStatus draft={draft.value} name="Photo" />}
      <FormProblem problem={problem.value} />
    </section>
  );
}

/** Shows the chosen file itself, or the present picture if there is none or this browser cannot read it. */
function Preview({ draft }: { draft: Draft | undefined }) {
  const isUnreadable = useSignal(false);
  const person = me.value;
  if (!person) return null;
  if (!draft || isUnreadable.value) return <Portrait person={person} size="large" />;
  const onError = () => (isUnreadable.value = true);
  return <img class="monogram monogram-large portrait" src={draft.preview} alt="" onError={onError} />;
}
