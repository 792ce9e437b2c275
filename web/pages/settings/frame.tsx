import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { useTitle } from "../../components/frame/title.ts";

const PAGES: [path: string, name: string][] = [
  ["/settings", "Profile"],
  ["/settings/security", "Security"],
  ["/settings/notifications", "Notifications"],
  ["/settings/privacy", "Privacy"],
];

/** The frame of every page of the settings, with links to the others. */
export function SettingsFrame({ children }: { children: ComponentChildren }) {
  const { path } = useLocation();
  const name = PAGES.find(([page]) => page === path)?.[1];
  useTitle(name === undefined ? "Settings" : `${name}, settings`);
  return (
    <div class="column settings">
      <h1>Settings</h1>
      <nav class="settings-pages" aria-label="Settings">
        {PAGES.map(([page, name]) => (
          <a key={page} href={page} aria-current={page === path ? "page" : false}>
            {name}
          </a>
        ))}
      </nav>
      {children}
    </div>
  );
}
