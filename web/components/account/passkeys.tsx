import { useSignal } from "@preact/signals";
import type { Passkey, PasskeyList } from "../../../schema/api/passkeys.ts";
import { api } from "../../api/api.ts";
import type { Loaded } from "../../api/load.ts";
import { focusSoon } from "../../browser/focus.ts";
import { hasPasskeys } from "../../browser/passkeys.ts";
import { showToast } from "../../browser/toast.ts";
import { NAME_MAX } from "../../limits.ts";
import { addPasskey } from "../../state/passkeys.ts";
import { Failure, RowsSkeleton } from "../common/states.tsx";
import { Time } from "../common/time.tsx";
import { Confirmation } from "../controls/confirmation.tsx";
import { Dialog } from "../controls/dialog.tsx";
import { DialogButtons } from "../controls/dialog-buttons.tsx";
import { Field } from "../controls/field.tsx";
import { FormProblem } from "../controls/form-problem.tsx";
import { Menu } from "../controls/menu.tsx";
import { textOf, typed, useSubmit } from "../controls/submit.ts";
import { OwnPassword } from "./own-password.tsx";
import { AccountName } from "./password-form.tsx";

const ADD = "add-passkey";

/** The viewer's passkeys. In a browser without passkeys, those that there are can still be removed. */
export function Passkeys({ list: { value, problem, reload } }: { list: Loaded<PasskeyList> }) {
  const isAdding = useSignal(false);
  const passkeys = value.value?.items;
  if (!hasPasskeys() && (passkeys ?? []).length === 0) return null;
  return (
    <section class="section">
      <h2>Passkeys</h2>
      <p class="soft">
        Sign in with your fingerprint, your face or the PIN of your device, without your password. Your password keeps
        working.
      </p>
      {passkeys ? (
        <ul>
          {passkeys.map((passkey) => (
            <Row
              key={passkey.id}
              passkey={passkey}
              renamed={reload}
              removed={() => {
                value.value = { items: passkeys.filter(({ id }) => id !== passkey.id) };
                focusSoon(ADD);
              }}
            />
          ))}
        </ul>
      ) : problem.value ? (
        <Failure problem={problem.value} retry={reload} />
      ) : (
        <RowsSkeleton rows={1} />
      )}
      {hasPasskeys() && passkeys && (
        <p>
          <button class="button" type="button" id={ADD} onClick={() => (isAdding.value = true)}>
            Add a passkey
          </button>
        </p>
      )}
      {isAdding.value && <AddDialog close={() => (isAdding.value = false)} added={reload} />}
    </section>
  );
}

function AddDialog({ close, added }: { close: () => void; added: () => void }) {
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    const passkey = await addPasskey(typed(form, "password"));
    if (!passkey) return;
    close();
    added();
    showToast("Passkey added");
  });
  const fields = problem?.fields ?? {};
  return (
    <Dialog
      title="Add a passkey"
      description="Enter your password first. Then your browser asks where to keep the passkey."
      close={close}
    >
      <form class="dialog-form" onSubmit={onSubmit}>
        <AccountName />
        <OwnPassword autofocus error={fields["password"]} />
        <FormProblem problem={problem} fields={fields} />
        <DialogButtons close={close} action={busy ? "Waiting…" : "Continue"} disabled={busy} />
      </form>
    </Dialog>
  );
}

type RowProps = { passkey: Passkey; renamed: () => void; removed: () => void };

function Row({ passkey: { id, name, addedAt, usedAt }, renamed, removed }: RowProps) {
  const asked = useSignal<"rename" | "remove" | undefined>(undefined);
  const close = () => {
    asked.value = undefined;
  };
  const remove = async () => {
    await api.removePasskey(id);
    removed();
    showToast(`${name} is removed`);
  };
  return (
    <li class="row row-spread">
      <span class="row-names">
        <span class="row-name">{name}</span>
        <span class="soft">
          {usedAt === undefined ? (
            "Never used"
          ) : (
            <>
              Used <Time at={usedAt} />
            </>
          )}
          {" · "}
          Added <Time at={addedAt} />
        </span>
      </span>
      <Menu
        label={`More about ${name}`}
        items={[
          { label: "Rename", act: () => (asked.value = "rename") },
          { label: "Remove", act: () => (asked.value = "remove"), isDestructive: true },
        ]}
      />
      {asked.value === "rename" && <RenameDialog id={id} name={name} close={close} renamed={renamed} />}
      {asked.value === "remove" && (
        <Confirmation
          title="Remove this passkey?"
          description={`“${name}” won’t sign you in any more. Delete it where it is kept, too, or that device still offers it.`}
          action="Remove"
          close={close}
          act={remove}
        />
      )}
    </li>
  );
}

type RenameProps = { id: string; name: string; close: () => void; renamed: () => void };

function RenameDialog({ id, name, close, renamed }: RenameProps) {
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    await api.renamePasskey(id, textOf(form, "name"));
    close();
    renamed();
  });
  const fields = problem?.fields ?? {};
  return (
    <Dialog
      title="Rename this passkey"
      description="A name that tells you where it is kept, such as “Blue security key”."
      close={close}
    >
      <form class="dialog-form" onSubmit={onSubmit}>
        <Field
          label="Name"
          name="name"
          autocomplete="off"
          required
          maxLength={NAME_MAX}
          defaultValue={name}
          error={fields["name"]}
        />
        <FormProblem problem={problem} fields={fields} />
        <DialogButtons close={close} action={busy ? "Saving…" : "Save"} disabled={busy} />
      </form>
    </Dialog>
  );
}
