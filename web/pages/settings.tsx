import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useId, useMemo } from "preact/hooks";
import type { PersonCard } from "../../schema/api/people.ts";
import { api } from "../api.ts";
import { block } from "../blocks.ts";
import { Area, Field } from "../components/field.tsx";
import { NotificationSettings } from "../components/notification-settings.tsx";
import { Paged } from "../components/paged.tsx";
import { PersonRow } from "../components/person-row.tsx";
import { PushSwitch } from "../components/push-switch.tsx";
import { RowsSkeleton } from "../components/states.tsx";
import { UndoButton } from "../components/undo-button.tsx";
import { textOf, useSubmit } from "../components/submit.ts";
import type { List } from "../list.ts";
import { BIO_MAX, NAME_MAX } from "../limits.ts";
import { blocked, muted } from "../lists.ts";
import { mute } from "../mutes.ts";
import { asProblem } from "../problem.ts";
import { me, setMe, signOut } from "../session.ts";
import { chooseTheme, type Theme, theme, THEMES } from "../theme.ts";
import { useTitle } from "../title.ts";
import { tell } from "../toast.ts";

const THEME_NAMES: Record<Theme, string> = { system: "As the system", light: "Light", dark: "Dark" };

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
      <Undone
        list={muted}
        title="Muted"
        none="You have muted nobody."
        does="Unmute"
        undo={(person) => mute(person, false)}
      />
      <Undone
        list={blocked}
        title="Blocked"
        none="You have blocked nobody."
        does="Unblock"
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
    tell("Saved");
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
          {busy ? "Saving" : "Save"}
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
      tell(wanted ? "Your account is private" : "Your account is public");
    } catch (error) {
      tell(`That was not saved. ${asProblem(error).message}`, "error");
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
            event.preventDefault(); // It shows what is saved.
            void choose(!isPrivate);
          }}
        />
      </label>
      <p class="soft" id={note}>
        Only people whom you accept see your posts and who follows you. Everybody sees your name, and what you write
        under public photographs. Whoever follows you already stays; who has asked to is accepted when your account
        becomes public.
      </p>
      {isPrivate && (
        <p>
          <a href="/requests">Follow requests</a>
        </p>
      )}
    </section>
  );
}

type UndoneProps = {
  list: () => List<PersonCard>;
  title: string;
  none: string;
  does: string;
  undo: (person: PersonCard) => Promise<boolean>;
};

/** Those to whom something was done, and the way back. */
function Undone({ list: listOf, title, none, does, undo }: UndoneProps) {
  const list = useMemo(listOf, []);
  const undone = async (person: PersonCard) => {
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
                <UndoButton person={person} does={does} undo={() => undone(person)} />
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
      tell(`You are still signed in. ${asProblem(error).message}`, "error");
    }
  };
  return (
    <section class="section">
      <h2>Account</h2>
      <p class="soft">You are signed in as @{me.value?.handle}.</p>
      <p>
        <button class="button" type="button" onClick={() => void leave()}>
          Sign out
        </button>
      </p>
    </section>
  );
}
