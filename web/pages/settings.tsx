import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useMemo } from "preact/hooks";
import { api } from "../api.ts";
import { BlockButton } from "../components/block-button.tsx";
import { Area, Field } from "../components/field.tsx";
import { NotificationSettings } from "../components/notification-settings.tsx";
import { Paged } from "../components/paged.tsx";
import { PersonRow } from "../components/person-row.tsx";
import { PushSwitch } from "../components/push-switch.tsx";
import { RowsSkeleton } from "../components/states.tsx";
import { textOf, useSubmit } from "../components/submit.ts";
import { BIO_MAX, NAME_MAX } from "../limits.ts";
import { blocked } from "../lists.ts";
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
      <Blocked />
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

function Blocked() {
  const list = useMemo(blocked, []);
  return (
    <section class="section">
      <h2>Blocked</h2>
      <Paged list={list} waiting={<RowsSkeleton rows={1} />} empty={<p class="soft">You have blocked nobody.</p>}>
        {(people) => (
          <ul>
            {people.map((person) => (
              <PersonRow key={person.id} person={person}>
                <BlockButton person={person} blocked onChange={() => list.drop(person.id)} />
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
