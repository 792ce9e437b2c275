import type { LiveFrame } from "../../schema/api/live.ts";
import { FRAME_DELAY } from "../../schema/live/live-limits.ts";
import { logWarning } from "../../schema/log.ts";
import { isUnchecked } from "./session-checks.ts";
import type { LiveSocket, LiveSockets } from "./sockets.ts";
import { sleep } from "./sleep.ts";

const ME: LiveFrame = { topic: "me" };
/** The pause, in ms, after D1 has failed to check the sessions. */
const RETRY_DELAY = 2000;

/**
 * Sends hints: "there may be something new for you". A socket gets at most four a second; hints that come in between
 * are merged into one. A hint carries no content, so access is decided where the inbox is read.
 */
export class InboxHints {
  readonly #sockets: LiveSockets;
  readonly #checkSessions: (sockets: Iterable<LiveSocket>) => Promise<void>;
  readonly #waiting = new Set<LiveSocket>();
  #round: Promise<void> | undefined;

  /** `checkSessions` closes the sockets whose session is over. */
  constructor(sockets: LiveSockets, checkSessions: (sockets: Iterable<LiveSocket>) => Promise<void>) {
    this.#sockets = sockets;
    this.#checkSessions = checkSessions;
  }

  /** Resolves when these sockets have their hint, whatever others wait for. While D1 fails, it waits and retries. */
  async send(sockets: Iterable<LiveSocket>): Promise<void> {
    const hinted = new Set(sockets);
    for (const socket of hinted) this.#waiting.add(socket);
    while (!hinted.isDisjointFrom(this.#waiting)) {
      this.#round ??= this.#sendOnce().finally(() => {
        this.#round = undefined;
      });
      await this.#round;
    }
  }

  async #sendOnce(): Promise<void> {
    const waiting = [...this.#waiting];
    const first = waiting.reduce((time, { meSentAt }) => Math.min(time, meSentAt), Number.POSITIVE_INFINITY);
    await sleep(Math.max(0, first + FRAME_DELAY - Date.now()));
    const due = waiting.filter(({ meSentAt }) => meSentAt + FRAME_DELAY <= Date.now());
    try {
      await this.#checkSessions(due);
    } catch (error) {
      logWarning("hints not sent, will retry", { error: String(error) });
      return sleep(RETRY_DELAY);
    }
    for (const socket of due) {
      if (this.#sockets.has(socket) && isUnchecked(socket)) continue; // Invalidated during the check.
      this.#waiting.delete(socket);
      if (!this.#sockets.has(socket)) continue;
      socket.meSentAt = Date.now();
      if (!socket.send(ME)) this.#sockets.remove(socket);
    }
  }
}
