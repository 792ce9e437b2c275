import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { DeadLetterSummary } from "../../schema/api/dead-letters.ts";
import { Dialog } from "../components/dialog.tsx";
import { type ApiProblem, asProblem } from "../problem.ts";
import { tell } from "../toast.ts";
import { counted } from "../words.ts";
import { operator } from "./api.ts";
import { Letter } from "./letter.tsx";
import { latest } from "./status.ts";

/** The messages that were given up on, newest first. What is new comes by itself, unless the operator has read on. */
export function Letters() {
  const queue = useSignal("");
  const items = useSignal<DeadLetterSummary[] | undefined>(undefined);
  const next = useSignal<string | undefined>(undefined);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const isAsking = useSignal(false);
  const waiting = useComputed(() => latest.value?.deadLetters?.waiting);
  const queues = latest.value?.queues.map((known) => known.queue) ?? [];

  const read = async (cursor?: string) => {
    const wanted = queue.value;
    try {
      const page = await operator.letters(wanted, cursor);
      if (wanted !== queue.value) return;
      items.value = cursor === undefined ? page.items : [...(items.value ?? []), ...page.items];
      next.value = page.next;
      problem.value = undefined;
    } catch (error) {
      problem.value = asProblem(error);
    }
  };
  const hasReadOn = (items.value?.length ?? 0) > 20;
  useEffect(() => {
    if (!hasReadOn) void read();
  }, [waiting.value, queue.value]);

  const drop = (id: number) => {
    items.value = items.value?.filter((letter) => letter.id !== id);
  };

  return (
    <section class="section">
      <div class="letters-head">
        <h2>Dead letters</h2>
        <label class="letters-filter">
          <span class="unseen">Of the queue</span>
          <select
            value={queue.value}
            onChange={({ currentTarget }) => {
              items.value = undefined;
              queue.value = currentTarget.value;
            }}
          >
            <option value="">Every queue</option>
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
          onClick={() => (isAsking.value = true)}
        >
          Replay all
        </button>
      </div>
      <div role="alert">{problem.value && <p class="form-error">{problem.value.message}</p>}</div>
      {items.value?.length === 0 && <p class="soft">There are none.</p>}
      <ul class="letters">
        {items.value?.map((letter) => (
          <Letter key={letter.id} letter={letter} gone={() => drop(letter.id)} />
        ))}
      </ul>
      {next.value !== undefined && (
        <p>
          <button class="button" type="button" onClick={() => void read(next.value)}>
            Show more
          </button>
        </p>
      )}
      {isAsking.value && (
        <ReplayAll queue={queue.value} close={() => (isAsking.value = false)} done={() => void read()} />
      )}
    </section>
  );
}

type ReplayAllProps = { queue: string; close: () => void; done: () => void };

function ReplayAll({ queue, close, done }: ReplayAllProps) {
  const isBusy = useSignal(false);
  const go = async () => {
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
      tell(`${counted(replayed, "message")} replayed`);
    } catch (error) {
      tell(`${counted(replayed, "message")} replayed, then: ${asProblem(error).message}`, "error");
    }
    close();
    done();
  };
  return (
    <Dialog
      title="Replay all?"
      says={`Every message that waits${queue && ` for ${queue}`} is sent again. What fails again comes back here.`}
      close={close}
    >
      <div class="buttons dialog-buttons">
        <button class="button button-plain" type="button" onClick={close}>
          Cancel
        </button>
        <button class="button button-main" type="button" aria-disabled={isBusy.value} onClick={() => void go()}>
          {isBusy.value ? "One moment" : "Replay all"}
        </button>
      </div>
    </Dialog>
  );
}
