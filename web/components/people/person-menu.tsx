import { useSignal } from "@preact/signals";
import type { Profile } from "../../../schema/api/people.ts";
import { api } from "../../api/api.ts";
import { asProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { block } from "../../state/blocks.ts";
import { mute } from "../../state/mutes.ts";
import { nameOf } from "../../words/names.ts";
import { Confirmation } from "../controls/confirmation.tsx";
import { ReportDialog } from "../reports/report-dialog.tsx";
import { Menu } from "../controls/menu.tsx";

type Props = { person: Profile; onMute: (muted: boolean) => void; onBlock: () => void };

const WHAT_A_BLOCK_DOES =
  "You won’t see each other’s posts and comments, and you’ll stop following each other. They won’t be notified.";

/** Mutes, restricts, reports or blocks a person. */
export function PersonMenu({ person, onMute, onBlock }: Props) {
  const isConfirming = useSignal(false);
  const isReporting = useSignal(false);
  const name = nameOf(person);
  const { handle, mutedByMe } = person;

  const setMuted = async () => {
    if (await mute(person, !mutedByMe)) onMute(!mutedByMe);
  };
  const restrict = async () => {
    try {
      await api.restrict(handle, true);
      showToast(`Only you and ${name} will see their comments on your posts. Undo it in the settings.`);
    } catch (error) {
      showToast(asProblem(error).message, "error");
    }
  };
  const close = () => {
    isConfirming.value = false;
  };
  const setBlocked = async () => {
    const saved = await block(handle, true);
    close();
    if (saved) onBlock();
  };
  return (
    <>
      <Menu
        label={`More about ${name}`}
        items={[
          { label: mutedByMe ? `Unmute ${name}` : `Mute ${name}`, act: () => void setMuted() },
          { label: `Restrict ${name}`, act: () => void restrict() },
          { label: `Report ${name}`, act: () => (isReporting.value = true) },
          { label: `Block ${name}`, act: () => (isConfirming.value = true), isDestructive: true },
        ]}
      />
      {isReporting.value && (
        <ReportDialog what={name} subject={{ person: handle }} close={() => (isReporting.value = false)} />
      )}
      {isConfirming.value && (
        <Confirmation
          title={`Block ${name}?`}
          description={WHAT_A_BLOCK_DOES}
          action="Block"
          close={close}
          act={setBlocked}
        />
      )}
    </>
  );
}
