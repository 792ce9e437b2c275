import { useSignal } from "@preact/signals";
import type { DeadLetterSummary, DeadLetterDetails } from "../../schema/api/dead-letters.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { showToast } from "../browser/toast.ts";
import { Icon } from "../components/common/icon.tsx";
import { Time } from "../components/common/time.tsx";
import { Dialog } from "../components/controls/dialog.tsx";
import { operator } from "./api.ts";

/** A message of no known schema has the hash of its body as its subject. */
const HASH = /^[0-9a-f]{64}$/;

/** One dead letter: its reason, and its body once opened. `onSettled` is called when it was replayed or discarded. */
export function DeadLetter({ letter, onSettled }: { letter: DeadLetterSummary; onSettled: () => void }) {
  const whole = useSignal<DeadLetterDetails | undefined>(undefined);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const isConfirming = useSignal(false);
  const isBusy = useSignal(false);
  const { id, queue, subject, reason, deaths, replays, lastAt } = letter;

  const open = async () => {
    try {
      whole.value = await operator.deadLetter(id);
    } catch (error) {
      problem.value = asProblem(error);
    }
  };
  const act = async (command: () => Promise<void>, done: string) => {
    if (isBusy.value) return;
    isBusy.value = true;
    try {
      await command();
      showToast(done);
      onSettled();
    } catch (error) {
      showToast(asProblem(error).message, "error");
    }
    isBusy.value = false;
  };

  return (
    <li>
      <details class="letter" onToggle={({ currentTarget }) => currentTarget.open && void open()}>
        <summary>
          <Icon name="right" />
          <span class="letter-about">
            <b>{queue.replace(/^shutterline-/, "")}</b>{" "}
            <span class="letter-subject">{HASH.test(subject) ? "a message of unknown form" : subject}</span>
          </span>
          <span class="letter-when soft">
            {deaths > 1 && `died ${deaths} times, last `}
            <Time at={lastAt} />
            {replays > 0 && ` · replayed ${replays === 1 ? "once" : `${replays} times`}`}
          </span>
          <span class="letter-reason">{reason ?? "Its consumer ended without giving a reason"}</span>
        </summary>
        {problem.value && (
          <p class="form-error" role="alert">
            {problem.value.message}
          </p>
        )}
        {whole.value && <Whole letter={whole.value} />}
        <div class="buttons">
          <button
            class="button button-main"
            type="button"
            aria-disabled={isBusy.value}
            onClick={() => void act(() => operator.replay(id), "Replayed")}
          >
            Replay
          </button>
          <button class="button" type="button" onClick={() => (isConfirming.value = true)}>
            Discard
          </button>
        </div>
      </details>
      {isConfirming.value && (
        <Dialog
          isDestructive
          title="Discard this message?"
          description="This can’t be undone. Its source may send another message like it."
          close={() => (isConfirming.value = false)}
        >
          <div class="buttons dialog-buttons">
            <button class="button button-plain" type="button" onClick={() => (isConfirming.value = false)}>
              Cancel
            </button>
            <button
              class="button button-danger"
              type="button"
              aria-disabled={isBusy.value}
              onClick={() => void act(() => operator.discard(id), "Discarded")}
            >
              Discard
            </button>
          </div>
        </Dialog>
      )}
    </li>
  );
}

const Whole = ({ letter }: { letter: DeadLetterDetails }) => (
  <>
    <p class="soft">
      Number {letter.id}, tried {letter.attempts === 1 ? "once" : `${letter.attempts} times`}, first died{" "}
      <Time at={letter.firstAt} />
    </p>
    {letter.reason !== undefined && <Code label="Reason" text={letter.reason} />}
    <Code label="Body" text={JSON.stringify(letter.body, undefined, 2)} />
  </>
);

/** A block of code, focusable because it may be long and must scroll with the keyboard. */
const Code = ({ label, text }: { label: string; text: string }) => (
  <pre class="code" tabIndex={0} role="region" aria-label={label}>
    {text}
  </pre>
);
