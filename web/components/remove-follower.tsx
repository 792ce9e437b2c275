import { useSignal } from "@preact/signals";
import type { PersonCard } from "../../schema/api/people.ts";
import { api } from "../api.ts";
import { me } from "../session.ts";
import { Confirmation } from "./confirmation.tsx";
import { nameOf } from "./monogram.tsx";

type Props = { person: PersonCard; onRemove: () => void };

export function RemoveFollower({ person, onRemove }: Props) {
  const isAsking = useSignal(false);
  const name = nameOf(person);
  const then = me.value?.private
    ? "To see your posts again they have to ask."
    : "Your account is not private, so they may follow you again.";

  const close = () => {
    isAsking.value = false;
  };
  const remove = async () => {
    await api.removeFollower(person.handle);
    close();
    onRemove();
  };
  return (
    <>
      <button class="button" type="button" aria-label={`Remove ${name}`} onClick={() => (isAsking.value = true)}>
        Remove
      </button>
      {isAsking.value && (
        <Confirmation
          title={`Remove ${name}?`}
          says={`They will not follow you any more, and are not told. ${then}`}
          does="Remove"
          close={close}
          act={remove}
        />
      )}
    </>
  );
}
