import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api } from "../../api/api.ts";
import { useLoad } from "../../api/load.ts";
import { showToast } from "../../browser/toast.ts";
import { counted } from "../../words/counts.ts";
import { Time } from "../common/time.tsx";
import { FormProblem } from "../controls/form-problem.tsx";
import { typed, useSubmit } from "../controls/submit.ts";
import { OwnPassword } from "./own-password.tsx";
import { AccountName } from "./password-form.tsx";

/** Makes recovery codes, and shows them once. */
export function RecoveryCodes() {
  const codes = useSignal<string[] | undefined>(undefined);
  const { value } = useLoad(`recovery-codes ${codes.value?.[0] ?? ""}`, api.recoveryCodes);
  const left = value.value;
  return (
    <section class="section">
      <h2>Recovery codes</h2>
      <p class="soft">
        A code lets you choose a new password if you forget yours. Keep them where you find them without this device:
        each works once.
      </p>
      {left && (
        <p role="status">
          {left.madeAt === undefined ? (
            "You have no recovery codes."
          ) : (
            <>
              {counted(left.left, "code")} left, made <Time at={left.madeAt} />.
            </>
          )}
        </p>
      )}
      {codes.value ? (
        <Codes codes={codes.value} />
      ) : (
        <CodesForm hasSome={left?.madeAt !== undefined} made={(made) => (codes.value = made)} />
      )}
    </section>
  );
}

function CodesForm({ hasSome, made }: { hasSome: boolean; made: (codes: string[]) => void }) {
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    made((await api.newRecoveryCodes(typed(form, "password"))).codes);
  });
  const fields = problem?.fields ?? {};
  return (
    <form class="codes-form" onSubmit={onSubmit}>
      <AccountName />
      <OwnPassword hint={hasSome ? "Your earlier codes stop working." : undefined} error={fields["password"]} />
      <FormProblem problem={problem} fields={fields} />
      <p>
        <button class="button" type="submit" aria-disabled={busy}>
          {busy ? "One moment…" : hasSome ? "Make new codes" : "Make codes"}
        </button>
      </p>
    </form>
  );
}

/** The codes of a new set. They take the focus, because they are shown only now. */
function Codes({ codes }: { codes: string[] }) {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => list.current?.focus(), []);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(codes.join("\n"));
      showToast("Codes copied");
    } catch {
      showToast("Couldn’t copy the codes. Select and copy them yourself.", "error");
    }
  };
  return (
    <>
      <p>Write these codes down, or save them in your password manager. They are shown only now.</p>
      <ol class="codes" ref={list} tabIndex={-1} aria-label="Your recovery codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <p>
        <button class="button" type="button" onClick={() => void copy()}>
          Copy codes
        </button>
      </p>
    </>
  );
}
