import { chooseTheme, isDark } from "../../browser/theme.ts";
import { Icon } from "../common/icon.tsx";

export const ThemeToggle = () => (
  <button
    class="place theme-toggle"
    type="button"
    aria-label={isDark.value ? "Use the light theme" : "Use the dark theme"}
    title={isDark.value ? "Light" : "Dark"}
    onClick={() => chooseTheme(isDark.value ? "light" : "dark")}
  >
    <Icon name={isDark.value ? "sun" : "moon"} />
  </button>
);
