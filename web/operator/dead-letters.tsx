import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { DeadLetterSummary } from "../../schema/api/dead-letters.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { showToast } from "../browser/toast.ts";
import { FormProblem } from "../components/controls/form-problem.tsx";
import { Dialog } from "../components/controls/dialog.tsx";
import { counted } from "../words/counts.ts";
import { operator } from "./api.ts";
import { DeadLetter } from "./dead-letter.tsx";
import { latest } from "./status.ts";

/** The dead letters, newest first. Reloads when there are new ones, unless more than the first page is shown. */
export function DeadLetters() {
  const queue = useSignal("");
  const items = useSignal<DeadLetterSummary[] | undefined>(undefined);
  const next = useSignal<string | undefined>(undefined);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const isConfirming = useSignal(false);
  const waiting = useComputed(() => latest.value?.deadLetters?.waiting);
  const queues = latest.value?.queues.map((known) => known.queue) ?? [];

  const read = async (cursor?: string) => {
    const wanted = queue.value;
    try {
      const page = await operator.deadLetters(wanted, cursor);
      if (wanted !== queue.value) return;
      items.value = cursor === undefined ? page.items : [...(items.value ?? []), ...page.items];
      next.value = page.next;
      problem.value = undefined;
    } catch (error) {
      problem.value = asProblem(error);
    }
  };
  const isBeyondFirstPage = (items.value?.length ?? 0) > 20;
  useEffect(() => {
    if (!isBeyondFirstPage) void read();
  }, [waiting.value, queue.value]);

  const drop = (id: number) => {
    items.value = items.value?.filter((letter) => letter.id !== id);
  };

  return (
    <section class="section">
      <div class="letters-head">
        <h2>Dead letters</h2>
        <label class="letters-filter">
          <span class="unseen">Queue</span>
          <select
            value={queue.value}
            onChange={({ currentTarget }) => {
              items.value = undefined;
              queue.value = currentTarget.value;
            }}
          >
            <option value="">All queues</option>
            {queues.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button
          class="button"
          type="button"
          disabled={!items.value || items.value.length === 0}
          onClick={() => (isConfirming.value = true)}
        >
          Replay all
        </button>
      </div>
      <FormProblem problem={problem.value} />
      {items.value?.length === 0 && <p class="soft">No dead letters.</p>}
      <ul class="letters">
        {items.value?.map((letter) => (
          <DeadLetter key={letter.id} letter={letter} onSettled={() => drop(letter.id)} />
        ))}
      </ul>
      {next.value !== undefined && (
        <p>
          <button class="button" type="button" onClick={() => void read(next.value)}>
            Show more
          </button>
        </p>
      )}
      {isConfirming.value && (
        <ReplayAll queue={queue.value} close={() => (isConfirming.value = false)} onReplayed={() => void read()} />
      )}
    </section>
  );
}

type ReplayAllProps = { queue: string; close: () => void; onReplayed: () => void };

function ReplayAll({ queue, close, onReplayed }: ReplayAllProps) {
  const isBusy = useSignal(false);
  const replay = async () => {
    if (isBusy.value) return;
    isBusy.value = true;
    let replayed = 0;
    try {
      let cursor: string | undefined;
      do {
        const page = await operator.replayMany({ ...(queue && { queue }), ...(cursor !== undefined && { cursor }) });
        replayed += page.replayed.length;
        cursor = page.next;
      } while (cursor !== undefined);
      showToast(`${counted(replayed, "message")} replayed`);
    } catch (error) {
      showToast(`${counted(replayed, "message")} replayed, then it failed: ${asProblem(error).message}`, "error");
    }
    close();
    onReplayed();
  };
  return (
    <Dialog
      title="Replay all?"
      description={`This sends every waiting message${queue && ` of ${queue}`} again. Messages that fail again come back here.`}
      close={close}
    >
      <div class="buttons dialog-buttons">
        <button class="button button-plain" type="button" onClick={close}>
          Cancel
        </button>
        <button class="button button-main" type="button" aria-disabled={isBusy.value} onClick={() => void replay()}>
          {isBusy.value ? "Replaying…" : "Replay all"}
        </button>
      </div>
    </Dialog>
  );
}
