/**
 * Lets one password be hashed at a time in an isolate, and few wait. A hash takes half a second of its processor, so more
 * are refused before they begin: otherwise everybody who signs in would wait for all of them.
 */
import { Refusal } from "../../schema/api/refusals.ts";
import { SHARED_NETWORK } from "../limits/networks.ts";
import { within } from "../../schema/d1/deadline.ts";

/** Requests that hash, wait for that or read what it needs. */
export const TURNS_MAX = 8;
/** Of one network, so that none takes all turns. */
export const TURNS_PER_NETWORK = 4;
/** In ms; longer than all turns take. */
const WAITS_AT_MOST = 25_000;
/** In s. */
const RETRY_AFTER = 5;

const networks: string[] = [];
let last: Promise<unknown> = Promise.resolve();

/** Runs a hash after those that came before. */
type InTurn = <T>(hash: () => Promise<T>) => Promise<T>;

/**
 * Takes a place for `run`, which gets the function that hashes in turn. Throws `busy` at once if too many have one, so
 * that the requests that will not be served read no store and charge no limit.
 */
export async function withTurn<T>(network: string, run: (inTurn: InTurn) => Promise<T>): Promise<T> {
  const own = networks.filter((each) => each === network).length;
  const most = network === SHARED_NETWORK ? TURNS_MAX : TURNS_PER_NETWORK;
  if (networks.length >= TURNS_MAX || own >= most) throw busy();
  networks.push(network);
  try {
    return await run(afterOthers);
  } finally {
    networks.splice(networks.indexOf(network), 1);
  }
}

async function afterOthers<T>(hash: () => Promise<T>): Promise<T> {
  const before = last;
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  last = isOver;
  try {
    // With a deadline, because the request that hashes now may be cancelled.
    await within(WAITS_AT_MOST, before, "the hash before");
    return await hash();
  } finally {
    end();
  }
}

/** Runs one `hash` after those that came before. Throws `busy` at once if too many wait. */
export const hashInTurn = <T>(network: string, hash: () => Promise<T>): Promise<T> =>
  withTurn(network, (inTurn) => inTurn(hash));

const busy = () =>
  new Refusal("busy", "Many people are signing in right now. Try again in a few seconds.", undefined, {
    retryAfter: RETRY_AFTER,
  });
