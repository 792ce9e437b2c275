import { useSignal } from "@preact/signals";
import type { Profile } from "../../schema/api/people.ts";
import { block } from "../blocks.ts";
import { mute } from "../mutes.ts";
import { Confirmation } from "./confirmation.tsx";
import { Menu } from "./menu.tsx";
import { nameOf } from "./monogram.tsx";

type Props = { person: Profile; onMute: (muted: boolean) => void; onBlock: () => void };

const WHAT_A_BLOCK_DOES =
  "Neither of you will see the other’s posts and comments, and neither will follow the other any more. They are not " +
  "told.";

/** What one may do about somebody, beside following them. */
export function PersonMenu({ person, onMute, onBlock }: Props) {
  const isAsking = useSignal(false);
  const name = nameOf(person);
  const { handle, mutedByMe } = person;

  const setMuted = async () => {
    if (await mute(person, !mutedByMe)) onMute(!mutedByMe);
  };
  const close = () => {
    isAsking.value = false;
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
          { label: `Block ${name}`, act: () => (isAsking.value = true), isGrave: true },
        ]}
      />
      {isAsking.value && (
        <Confirmation title={`Block ${name}?`} says={WHAT_A_BLOCK_DOES} does="Block" close={close} act={setBlocked} />
      )}
    </>
  );
}
