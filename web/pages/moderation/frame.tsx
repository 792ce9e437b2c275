import type { ComponentChildren } from "preact";
import { Sections } from "../../components/frame/sections.tsx";
import { me } from "../../state/session.ts";
import { NotFoundPage } from "../not-found.tsx";

const PAGES = [
  ["/moderation", "Cases"],
  ["/moderation/words", "Filtered words"],
] as const;
const OPERATORS_PAGES = [...PAGES, ["/moderation/log", "Log"]] as const;

type Props = { only?: "operator"; children: ComponentChildren };

/** The frame of every page of moderation, which others do not find. `only`: for operators. */
export function ModerationFrame({ only, children }: Props) {
  const role = me.value?.role;
  if (role === "none" || (only !== undefined && role !== only)) return <NotFoundPage what="Page" />;
  return (
    <div class="column">
      <Sections title="Moderation" pages={role === "operator" ? OPERATORS_PAGES : PAGES}>
        {children}
      </Sections>
    </div>
  );
}
