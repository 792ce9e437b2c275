import { chooseTheme, type Theme, theme, THEMES } from "../../browser/theme.ts";
import { ProfileForm } from "../../components/account/profile-form.tsx";
import { ProfilePicture } from "../../components/account/profile-picture.tsx";
import { SignOut } from "../../components/account/sign-out.tsx";
import { SettingsFrame } from "./frame.tsx";

const THEME_NAMES: Record<Theme, string> = { system: "System", light: "Light", dark: "Dark" };

export const ProfileSettings = () => (
  <SettingsFrame>
    <ProfilePicture />
    <ProfileForm />
    <ThemeChoice />
    <SignOut />
  </SettingsFrame>
);

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
