import { useSignal } from "@preact/signals";
import { useId, useMemo } from "preact/hooks";
import type { PersonCard } from "../../../schema/api/people.ts";
import { api } from "../../api/api.ts";
import { asProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { Paged } from "../../components/common/paged.tsx";
import { RowsSkeleton } from "../../components/common/states.tsx";
import { CommentRulesSettings } from "../../components/moderation/comment-rules-settings.tsx";
import { PersonRow } from "../../components/people/person-row.tsx";
import { UndoButton } from "../../components/people/undo-button.tsx";
import { block } from "../../state/blocks.ts";
import type { List } from "../../state/list.ts";
import { blocked, muted } from "../../state/lists.ts";
import { mute } from "../../state/mutes.ts";
import { me, setMe } from "../../state/session.ts";
import { SettingsFrame } from "./frame.tsx";

export const PrivacySettings = () => (
  <SettingsFrame>
    <Privacy />
    <UndoList
      list={muted}
      title="Muted"
      none="You haven’t muted anyone."
      action="Unmute"
      undo={(person) => mute(person, false)}
    />
    <UndoList
      list={blocked}
      title="Blocked"
      none="You haven’t blocked anyone."
      action="Unblock"
      undo={({ handle }) => block(handle, false)}
    />
    <CommentRulesSettings />
  </SettingsFrame>
);

function Privacy() {
  const busy = useSignal(false);
  const note = useId();
  const isPrivate = me.value?.private ?? false;

  const choose = async (wanted: boolean) => {
    if (busy.value) return;
    busy.value = true;
    try {
      setMe(await api.editMe({ private: wanted }));
      showToast(wanted ? "Your account is now private" : "Your account is now public");
    } catch (error) {
      showToast(`Couldn’t save that. ${asProblem(error).message}`, "error");
    } finally {
      busy.value = false;
    }
  };
  return (
    <section class="section">
      <h2>Privacy</h2>
      <label class="switch">
        <span>Private account</span>
        <input
          type="checkbox"
          role="switch"
          checked={isPrivate}
          aria-describedby={note}
          aria-busy={busy}
          onClick={(event) => {
            event.preventDefault(); // The switch shows what is saved, not what was clicked.
            void choose(!isPrivate);
          }}
        />
      </label>
      <p class="soft" id={note}>
        Only approved followers can see your posts and your followers. Everyone can still see your name and your
        comments on public posts. People who already follow you stay. If you make your account public again, all pending
        requests are accepted.
      </p>
      {isPrivate && (
        <p>
          <a href="/requests">Follow requests</a>
        </p>
      )}
    </section>
  );
}

type UndoListProps = {
  list: () => List<PersonCard>;
  title: string;
  none: string;
  action: string;
  undo: (person: PersonCard) => Promise<boolean>;
};

/** The people whom the viewer has muted or blocked, each with a button that undoes it. */
function UndoList({ list: listOf, title, none, action, undo }: UndoListProps) {
  const list = useMemo(listOf, []);
  const undoFor = async (person: PersonCard) => {
    if (await undo(person)) list.drop(person.id);
  };
  return (
    <section class="section">
      <h2>{title}</h2>
      <Paged list={list} waiting={<RowsSkeleton rows={1} />} empty={<p class="soft">{none}</p>}>
        {(people) => (
          <ul>
            {people.map((person) => (
              <PersonRow key={person.id} person={person}>
                <UndoButton person={person} action={action} undo={() => undoFor(person)} />
              </PersonRow>
            ))}
          </ul>
        )}
      </Paged>
    </section>
  );
}
