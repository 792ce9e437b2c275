import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { asProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { checkPush, type PushState, pushState, turnPushOff, turnPushOn } from "../../state/push.ts";

const WHAT_IT_DOES = "Get likes, comments and new followers on this device, even when Shutterline is closed.";
const NOTES: Record<PushState, string> = {
  looking: "",
  unsupported:
    "This browser can’t show notifications while Shutterline is closed. On an iPhone or iPad, add Shutterline to the Home Screen and open it from there.",
  unavailable: "Push notifications aren’t set up here yet. The people who run this site can turn them on.",
  blocked: "Notifications from Shutterline are blocked in this browser. Allow them in its settings.",
  off: WHAT_IT_DOES,
  on: WHAT_IT_DOES,
};

/** Turns pushes to this device on and off. Asks for the browser's permission only when it is switched on. */
export function PushSwitch() {
  const busy = useSignal(false);
  const state = pushState.value;
  useEffect(() => void checkPush().catch(failed), []);
  const change = async () => {
    busy.value = true;
    try {
      await (state === "on" ? turnPushOff() : turnPushOn());
    } catch (error) {
      failed(error);
    }
    busy.value = false;
  };
  return (
    <section class="section">
      <h2>This device</h2>
      <div class="switch">
        <div>
          <label for="push">Push notifications</label>
          <p class="note" id="push-note" role="status">
            {NOTES[state]}
          </p>
        </div>
        <input
          type="checkbox"
          role="switch"
          id="push"
          aria-describedby="push-note"
          checked={state === "on"}
          disabled={busy.value || (state !== "on" && state !== "off")}
          onChange={() => void change()}
        />
      </div>
    </section>
  );
}

function failed(error: unknown): void {
  // A DOMException comes from the browser: its push service could not be reached, worded for developers.
  const isOurs = !(error instanceof DOMException);
  showToast(isOurs ? asProblem(error).message : "Can’t reach this browser’s push service. Try again later.", "error");
}
