/**
 * The steps of the clients and the faults of the server, decided by a seed before anything runs: the same seed gives
 * the same steps in the same order and the same faults after the same times. How they interleave depends on the
 * machine.
 */
import { randomOf } from "../../product/harness/random.ts";

export type Size = { posts: number; people: number; devices: number };
/**
 * `after`: ms since the end of the previous fault. `act` is anything that a test does to the machine under the server.
 */
export type Fault =
  | { after: number; kind: "kill" }
  | { after: number; kind: "pause"; lasts: number }
  | { after: number; kind: "act"; act: () => void | Promise<void> };

export type Step = {
  post: number;
  what: "like" | "unlike" | "comment" | "read" | "list";
  freshness: "actor" | "own" | "plain";
  /** What the client does with a write's response: uses it, drops it on arrival, or aborts before it (fault F9). */
  reply: { is: "taken" } | { is: "dropped" } | { is: "aborted"; after: number };
  /** Whether a like without a response is sent again. A comment always is, because no other step knows its key. */
  repeats: boolean;
  pause: number;
};

const PAUSE_MAX = 15;
/** In ms. By then some of the aborted requests have been served and some have not. */
const ABORTED_WITHIN = 25;

/** The steps of one client, without an end: the caller decides when to stop. */
export function* stepsOf(seed: number, client: number, { posts }: Size): Generator<Step, never> {
  const random = randomOf(seed * 1009 + client);
  for (;;) {
    const post = Math.floor(random() * posts);
    const what = pick(random(), { like: 0.34, unlike: 0.24, comment: 0.12, read: 0.22, list: 0.08 });
    const freshness = pick(random(), { actor: 0.4, own: 0.4, plain: 0.2 });
    const is = pick(random(), { taken: 0.9, dropped: 0.05, aborted: 0.05 });
    const reply = is === "aborted" ? { is, after: random() * ABORTED_WITHIN } : { is };
    yield { post, what, freshness, reply, repeats: random() < 0.7, pause: random() * PAUSE_MAX };
  }
}

export type FaultsPlan = { kills: number; pauses: number; pause: number };
/** The time between the end of a fault and the next one, in ms. */
const CALM = { least: 500, most: 2000 };

/** Returns the faults in an order that the seed decides. The last one is a kill, if there are any. */
export function faultsOf(seed: number, { kills, pauses, pause }: FaultsPlan): Fault[] {
  const random = randomOf(seed);
  const kinds = [...Array<"kill">(Math.max(0, kills - 1)).fill("kill"), ...Array<"pause">(pauses).fill("pause")]
    .map((kind) => ({ kind, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ kind }) => kind);
  if (kills > 0) kinds.push("kill");
  return kinds.map((kind) => {
    const after = CALM.least + random() * (CALM.most - CALM.least);
    return kind === "kill" ? { after, kind } : { after, kind, lasts: pause };
  });
}

/** Returns the key whose share of the range 0 to 1 contains `at`. */
function pick<Key extends string>(at: number, shares: Record<Key, number>): Key {
  const keys = Object.keys(shares) as Key[];
  let sum = 0;
  const found = keys.find((key) => (sum += shares[key]) > at) ?? keys[0];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}
