import type { LiveFrame } from "../../schema/api/live.ts";
import { FRAME_DELAY } from "../../schema/live/live-limits.ts";
import { isDoubtful } from "./session-checks.ts";
import type { Seat, Seats } from "./sockets.ts";
import { sleep } from "./sleep.ts";

const ME: LiveFrame = { topic: "me" };
/** After D1 has failed to tell whose session is open. */
const RETRY_DELAY = 2000; // ms

/**
 * Tells sockets that there may be something new for their person, at most four times a second, and what comes in between
 * once. It says no more than that, so who may see what is decided where it is read.
 */
export class LiveNews {
  readonly #seats: Seats;
  readonly #review: (seats: Iterable<Seat>) => Promise<void>;
  readonly #waiting = new Set<Seat>();
  #round: Promise<void> | undefined;

  /** `review` closes the sockets whose session is over. */
  constructor(seats: Seats, review: (seats: Iterable<Seat>) => Promise<void>) {
    this.#seats = seats;
    this.#review = review;
  }

  /** Resolves when these were told, whoever else waits. While D1 fails nobody is, and it is tried again. */
  async tell(seats: Iterable<Seat>): Promise<void> {
    const told = new Set(seats);
    for (const seat of told) this.#waiting.add(seat);
    while (!told.isDisjointFrom(this.#waiting)) {
      this.#round ??= this.#tellOnce().finally(() => {
        this.#round = undefined;
      });
      await this.#round;
    }
  }

  async #tellOnce(): Promise<void> {
    const waiting = [...this.#waiting];
    const first = waiting.reduce((time, { meSentAt }) => Math.min(time, meSentAt), Number.POSITIVE_INFINITY);
    await sleep(Math.max(0, first + FRAME_DELAY - Date.now()));
    const due = waiting.filter(({ meSentAt }) => meSentAt + FRAME_DELAY <= Date.now());
    try {
      await this.#review(due);
    } catch (error) {
      console.warn("news not told, will be again", { error: String(error) });
      return sleep(RETRY_DELAY);
    }
    for (const seat of due) {
      if (this.#seats.has(seat) && isDoubtful(seat)) continue; // Something has changed for them while it was looked up.
      this.#waiting.delete(seat);
      if (!this.#seats.has(seat)) continue;
      seat.meSentAt = Date.now();
      if (!seat.send(ME)) this.#seats.leave(seat);
    }
  }
}
