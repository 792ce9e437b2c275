import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useId, useMemo } from "preact/hooks";
import type { PersonCard } from "../../schema/api/people.ts";
import { api } from "../api/api.ts";
import { asProblem } from "../api/problem.ts";
import { chooseTheme, type Theme, theme, THEMES } from "../browser/theme.ts";
import { showToast } from "../browser/toast.ts";
import { Paged } from "../components/common/paged.tsx";
import { RowsSkeleton } from "../components/common/states.tsx";
import { Area, Field } from "../components/controls/field.tsx";
import { textOf, useSubmit } from "../components/controls/submit.ts";
import { useTitle } from "../components/frame/title.ts";
import { NotificationSettings } from "../components/notifications/notification-settings.tsx";
import { PushSwitch } from "../components/notifications/push-switch.tsx";
import { PersonRow } from "../components/people/person-row.tsx";
import { UndoButton } from "../components/people/undo-button.tsx";
import { BIO_MAX, NAME_MAX } from "../limits.ts";
import { block } from "../state/blocks.ts";
import type { List } from "../state/list.ts";
import { blocked, muted } from "../state/lists.ts";
import { mute } from "../state/mutes.ts";
import { me, setMe, signOut } from "../state/session.ts";

const THEME_NAMES: Record<Theme, string> = { system: "System", light: "Light", dark: "Dark" };

export function SettingsPage() {
  useTitle("Settings");
  return (
    <div class="column settings">
      <h1>Settings</h1>
      <ProfileForm />
      <NotificationSettings />
      <ThemeChoice />
      <PushSwitch />
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
      <SignOut />
    </div>
  );
}

function ProfileForm() {
  const bio = useSignal(me.value?.bio ?? "");
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    setMe(await api.editMe({ name: textOf(form, "name"), bio: bio.value }));
    showToast("Saved");
  });
  const fields = problem?.fields ?? {};
  return (
    <form class="section" onSubmit={onSubmit}>
      <h2>Profile</h2>
      <Field
        label="Name"
        name="name"
        autocomplete="name"
        required
        maxLength={NAME_MAX}
        defaultValue={me.value?.name ?? ""}
        error={fields["name"]}
      />
      <Area
        label="About you"
        name="bio"
        rows={3}
        max={BIO_MAX}
        value={bio.value}
        error={fields["bio"]}
        onText={(text) => (bio.value = text)}
      />
      <div role="alert">
        {problem && Object.keys(fields).length === 0 && <p class="form-error">{problem.message}</p>}
      </div>
      <p>
        <button class="button button-main" type="submit" aria-disabled={busy}>
          {busy ? "Saving…" : "Save"}
        </button>
      </p>
    </form>
  );
}

const ThemeChoice = () => (
  <fieldset class="section">
    <legend>Appearance</legend>
    <div class="choices">
      {THEMES.map((name) => (
        <label class="choice" key={name}>
          <input type="radio" name="theme" checked={theme.value === name} onChange={() => chooseTheme(name)} />
          <span>{THEME_NAMES[name]}</span>
        </label>
      ))}
    </div>
  </fieldset>
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

function SignOut() {
  const { route } = useLocation();
  const leave = async () => {
    try {
      await signOut();
      route("/");
    } catch (error) {
      showToast(`You’re still signed in. ${asProblem(error).message}`, "error");
    }
  };
  return (
    <section class="section">
      <h2>Account</h2>
      <p class="soft">Signed in as @{me.value?.handle}.</p>
      <p>
        <button class="button" type="button" onClick={() => void leave()}>
          Sign out
        </button>
      </p>
    </section>
  );
}
