import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { asProblem } from "../problem.ts";
import { lookForPush, type PushState, pushState, turnPushOff, turnPushOn } from "../push.ts";
import { tell } from "../toast.ts";

const SAYS: Record<PushState, string> = {
  looking: "",
  unsupported:
    "This browser cannot be told anything while Shutterline is closed. On an iPhone or iPad, add Shutterline to the home screen and open it from there.",
  unavailable: "Whoever runs this Shutterline has not set it up yet.",
  blocked: "You have told this browser not to show notifications of Shutterline. You can allow them in its settings.",
  off: "Likes, comments and new followers are shown here even when Shutterline is closed.",
  on: "Likes, comments and new followers are shown here even when Shutterline is closed.",
};

/** Asks for the browser's permission when it is switched on, and never before. */
export function PushSwitch() {
  const busy = useSignal(false);
  const state = pushState.value;
  useEffect(() => void lookForPush().catch(failed), []);
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
          <label for="push">Tell this device</label>
          <p class="note" id="push-says" role="status">
            {SAYS[state]}
          </p>
        </div>
        <input
          type="checkbox"
          role="switch"
          id="push"
          aria-describedby="push-says"
          checked={state === "on"}
          disabled={busy.value || (state !== "on" && state !== "off")}
          onChange={() => void change()}
        />
      </div>
    </section>
  );
}

function failed(error: unknown): void {
  // What the browser itself throws says that its push service could not be reached, in words for programs.
  const isOurs = !(error instanceof DOMException);
  tell(isOurs ? asProblem(error).message : "This browser's push service cannot be reached. Try again later.", "error");
}
