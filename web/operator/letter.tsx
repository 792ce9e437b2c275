import { useSignal } from "@preact/signals";
import type { DeadLetterSummary, DeadLetterWhole } from "../../schema/api/dead-letters.ts";
import { Dialog } from "../components/dialog.tsx";
import { Icon } from "../components/icon.tsx";
import { Time } from "../components/time.tsx";
import { type ApiProblem, asProblem } from "../problem.ts";
import { tell } from "../toast.ts";
import { operator } from "./api.ts";

/** What nobody understands is known by its hash. */
const HASH = /^[0-9a-f]{64}$/;

/** One dead letter: its reason at a glance, its body once it is opened. `gone` is called when it waits no more. */
export function Letter({ letter, gone }: { letter: DeadLetterSummary; gone: () => void }) {
  const whole = useSignal<DeadLetterWhole | undefined>(undefined);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const isAsking = useSignal(false);
  const isBusy = useSignal(false);
  const { id, queue, subject, reason, deaths, replays, lastAt } = letter;

  const open = async () => {
    try {
      whole.value = await operator.letter(id);
    } catch (error) {
      problem.value = asProblem(error);
    }
  };
  const act = async (go: () => Promise<void>, said: string) => {
    if (isBusy.value) return;
    isBusy.value = true;
    try {
      await go();
      tell(said);
      gone();
    } catch (error) {
      tell(asProblem(error).message, "error");
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
            <span class="letter-subject">{HASH.test(subject) ? "a message of no known form" : subject}</span>
          </span>
          <span class="letter-when soft">
            {deaths > 1 && `died ${deaths} times, last `}
            <Time at={lastAt} />
            {replays > 0 && ` · replayed ${replays === 1 ? "once" : `${replays} times`}`}
          </span>
          <span class="letter-reason">{reason ?? "Its consumer ended without telling why"}</span>
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
          <button class="button" type="button" onClick={() => (isAsking.value = true)}>
            Discard
          </button>
        </div>
      </details>
      {isAsking.value && (
        <Dialog
          isGrave
          title="Discard this message?"
          says="It cannot be brought back. What it was sent for may send another one."
          close={() => (isAsking.value = false)}
        >
          <div class="buttons dialog-buttons">
            <button class="button button-plain" type="button" onClick={() => (isAsking.value = false)}>
              Cancel
            </button>
            <button
              class="button button-grave"
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

const Whole = ({ letter }: { letter: DeadLetterWhole }) => (
  <>
    <p class="soft">
      Number {letter.id}, tried {letter.attempts === 1 ? "once" : `${letter.attempts} times`}, died first{" "}
      <Time at={letter.firstAt} />
    </p>
    {letter.reason !== undefined && <Code label="Reason" text={letter.reason} />}
    <Code label="Body" text={JSON.stringify(letter.body, undefined, 2)} />
  </>
);

/** It may be long, and is scrolled with the keyboard too. */
const Code = ({ label, text }: { label: string; text: string }) => (
  <pre class="code" tabIndex={0} role="region" aria-label={label}>
    {text}
  </pre>
);
