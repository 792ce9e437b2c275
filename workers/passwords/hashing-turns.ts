/**
 * Lets one password be hashed at a time in an isolate, and few wait. A hash takes half a second of its processor, so more
 * are refused before they begin: otherwise everybody who signs in would wait for all of them.
 */
import { Refusal } from "../../schema/api/refusals.ts";
import { SHARED_NETWORK } from "../limits/networks.ts";
import { within } from "../../schema/d1/deadline.ts";

/** Hashes that run or wait. */
export const TURNS_MAX = 8;
/** Of one network, so that none takes all turns. */
export const TURNS_PER_NETWORK = 4;
/** In ms; longer than all turns take. */
const WAITS_AT_MOST = 25_000;
/** In s. */
const RETRY_AFTER = 5;

const networks: string[] = [];
let last: Promise<unknown> = Promise.resolve();

/** Runs `hash` after those that came before. Throws `busy` at once if too many wait. */
export async function hashInTurn<T>(network: string, hash: () => Promise<T>): Promise<T> {
  const own = networks.filter((each) => each === network).length;
  const most = network === SHARED_NETWORK ? TURNS_MAX : TURNS_PER_NETWORK;
  if (networks.length >= TURNS_MAX || own >= most) throw busy();
  networks.push(network);
  const before = last;
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  last = isOver;
  try {
    // With a deadline, because the request that hashes now may be cancelled.
    await within(WAITS_AT_MOST, before, "the hash before");
    return await hash();
  } finally {
    networks.splice(networks.indexOf(network), 1);
    end();
  }
}

const busy = () =>
  new Refusal("busy", "Many people are signing in right now. Try again in a few seconds.", undefined, {
    retryAfter: RETRY_AFTER,
  });
