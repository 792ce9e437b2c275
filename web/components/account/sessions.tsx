import { signal, useSignal } from "@preact/signals";
import type { Session } from "../../../schema/api/accounts.ts";
import { api } from "../../api/api.ts";
import { useLoad } from "../../api/load.ts";
import { asProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { Failure, RowsSkeleton } from "../common/states.tsx";
import { Time } from "../common/time.tsx";

const changes = signal(0);

/** Loads the list again, because something else has ended sessions. */
export const sessionsChanged = (): void => {
  changes.value += 1;
};

/** The devices on which the viewer is signed in. */
export function Sessions() {
  const { value, problem, reload } = useLoad(`sessions ${changes.value}`, api.sessions);
  const busy = useSignal(false);
  const end = async (ended: Promise<void>, words: string) => {
    if (busy.value) return;
    busy.value = true;
    try {
      await ended;
      showToast(words);
      sessionsChanged();
    } catch (error) {
      showToast(`Still signed in there. ${asProblem(error).message}`, "error");
    } finally {
      busy.value = false;
    }
  };
  const sessions = value.value?.items;
  return (
    <section class="section">
      <h2>Devices</h2>
      <p class="soft">
        Where you are signed in. Sign out any device that you don’t recognize, and change your password.
      </p>
      {sessions ? (
        <>
          <ul>
            {sessions.map((session) => (
              <Row
                key={session.id}
                session={session}
                busy={busy.value}
                end={() => void end(api.endSession(session.id), `${session.device} is signed out`)}
              />
            ))}
          </ul>
          {sessions.length > 1 && (
            <p>
              <button
                class="button"
                type="button"
                aria-disabled={busy}
                onClick={() => void end(api.endOtherSessions(), "Your other devices are signed out")}
              >
                Sign out all other devices
              </button>
            </p>
          )}
        </>
      ) : problem.value ? (
        <Failure problem={problem.value} retry={reload} />
      ) : (
        <RowsSkeleton rows={2} />
      )}
    </section>
  );
}

type RowProps = { session: Session; busy: boolean; end: () => void };

const Row = ({ session: { device, place, begunAt, lastUsedAt, current }, busy, end }: RowProps) => (
  <li class="row row-spread">
    <span class="row-names">
      <span class="row-name">{device}</span>
      <span class="soft">
        {current ? (
          "This device"
        ) : (
          <>
            Used <Time at={lastUsedAt} />
          </>
        )}
        {" · "}
        Signed in <Time at={begunAt} />
        {place !== undefined && ` from ${place}`}
      </span>
    </span>
    {!current && (
      <button class="button" type="button" aria-label={`Sign out ${device}`} aria-disabled={busy} onClick={end}>
        Sign out
      </button>
    )}
  </li>
);
