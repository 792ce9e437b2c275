import { computed, signal } from "@preact/signals";
import { store, stored } from "./storage.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(prefersDark.matches);
prefersDark.addEventListener("change", ({ matches }) => {
  systemIsDark.value = matches;
});

const initial = stored("theme");
export const theme = signal<Theme>(initial === "light" || initial === "dark" ? initial : "system");
export const isDark = computed(() => (theme.value === "system" ? systemIsDark.value : theme.value === "dark"));

/** Applies and stores a theme. On the next visit public/theme.js applies it before the first paint. */
export function chooseTheme(chosen: Theme): void {
  theme.value = chosen;
  store("theme", chosen === "system" ? undefined : chosen);
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}
