import type { ComponentChildren } from "preact";
import { Sections } from "../../components/frame/sections.tsx";

const PAGES = [
  ["/settings", "Profile"],
  ["/settings/security", "Security"],
  ["/settings/notifications", "Notifications"],
  ["/settings/privacy", "Privacy"],
] as const;

/** The frame of every page of the settings. */
export const SettingsFrame = ({ children }: { children: ComponentChildren }) => (
  <div class="column settings">
    <Sections title="Settings" pages={PAGES}>
      {children}
    </Sections>
  </div>
);
