import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { Case } from "../../../schema/api/moderation.ts";
import type { Decision } from "../../../schema/moderation.ts";
import { Paged } from "../../components/common/paged.tsx";
import { Empty, RowsSkeleton } from "../../components/common/states.tsx";
import { CaseEntry } from "../../components/moderation/case-entry.tsx";
import { DecisionDialog } from "../../components/moderation/decision-dialog.tsx";
import { PictureRemoval } from "../../components/moderation/picture-removal.tsx";
import { moderationQueue } from "../../state/lists.ts";
import { ModerationFrame } from "./frame.tsx";

export type Choice = Decision | "restore";

/** What a moderator may do with a case. The place in this list, from 1, is its key. */
export const choicesFor = ({ kind, inForce, appeal, answer }: Case): Choice[] => [
  ...(inForce ? (["restore"] as const) : (["keep"] as const)),
  ...(appeal && answer === undefined ? (["uphold"] as const) : []),
  ...(kind === "post" ? (["take_down"] as const) : kind === "comment" ? (["hide"] as const) : []),
  "warn",
  "suspend",
  "close",
];

const none = (
  <Empty icon="warning" title="Nothing to decide">
    <p>Reports and answers to decisions show up here.</p>
  </Empty>
);

/** The moderators' cases. Everything can be done by keyboard. */
export function ModerationPage() {
  const list = useMemo(moderationQueue, []);
  const deciding = useSignal<{ of: Case; choice: Choice } | undefined>(undefined);
  const removing = useSignal<Case | undefined>(undefined);
  const cases = useRef<HTMLUListElement>(null);

  const move = (from: Element, by: number) => {
    const all = [...(cases.current?.children ?? [])];
    const next = all[all.indexOf(from) + by];
    if (next instanceof HTMLElement) next.focus();
  };
  const onKey = (event: KeyboardEvent, one: Case) => {
    const { currentTarget, target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target instanceof HTMLTextAreaElement) return;
    const choice = choicesFor(one)[Number(key) - 1];
    if (choice) deciding.value = { of: one, choice };
    else if (key === "j" || key === "ArrowDown") move(currentTarget as Element, 1);
    else if (key === "k" || key === "ArrowUp") move(currentTarget as Element, -1);
    else return;
    event.preventDefault();
  };
  const decided = (subject: string) => {
    const at = list.items.value.findIndex((item) => item.subject === subject);
    list.drop(subject);
    requestAnimationFrame(() => {
      const left = [...(cases.current?.children ?? [])];
      const next = left[Math.min(at, left.length - 1)];
      if (next instanceof HTMLElement) next.focus();
    });
  };

  return (
    <ModerationFrame>
      <p class="soft keys">
        <kbd>J</kbd> and <kbd>K</kbd> move between cases, the numbers decide, <kbd>Esc</kbd> cancels.
      </p>
      <Paged list={list} waiting={<RowsSkeleton rows={3} />} empty={none}>
        {(items) => (
          <ul class="cases" ref={cases}>
            {items.map((one) => (
              <CaseEntry
                key={one.subject}
                of={one}
                choices={choicesFor(one)}
                choose={(choice) => (deciding.value = { of: one, choice })}
                removePicture={() => (removing.value = one)}
                onKey={(event) => onKey(event, one)}
              />
            ))}
          </ul>
        )}
      </Paged>
      {removing.value?.current?.picture && (
        <PictureRemoval
          person={removing.value.person}
          picture={removing.value.current.picture}
          close={() => (removing.value = undefined)}
          removed={() => void list.refresh()}
        />
      )}
      {deciding.value && (
        <DecisionDialog
          {...deciding.value}
          close={() => (deciding.value = undefined)}
          decided={decided}
          changed={() => void list.refresh()}
        />
      )}
    </ModerationFrame>
  );
}
