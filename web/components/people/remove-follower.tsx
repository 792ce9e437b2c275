import { useSignal } from "@preact/signals";
import type { PersonCard } from "../../../schema/api/people.ts";
import { api } from "../../api/api.ts";
import { me } from "../../state/session.ts";
import { nameOf } from "../../words/names.ts";
import { Confirmation } from "../controls/confirmation.tsx";

type Props = { person: PersonCard; onRemove: () => void };

/** Removes one of the viewer's followers, after asking. */
export function RemoveFollower({ person, onRemove }: Props) {
  const isConfirming = useSignal(false);
  const name = nameOf(person);
  const consequence = me.value?.private
    ? "To see your posts again, they have to send a request."
    : "Your account is public, so they can follow you again.";

  const close = () => {
    isConfirming.value = false;
  };
  const remove = async () => {
    await api.removeFollower(person.handle);
    close();
    onRemove();
  };
  return (
    <>
      <button class="button" type="button" aria-label={`Remove ${name}`} onClick={() => (isConfirming.value = true)}>
        Remove
      </button>
      {isConfirming.value && (
        <Confirmation
          title={`Remove ${name}?`}
          description={`They’ll stop following you and won’t be notified. ${consequence}`}
          action="Remove"
          close={close}
          act={remove}
        />
      )}
    </>
  );
}
