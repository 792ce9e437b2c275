/** Converts counted work to dollars. */
import { PER_MILLION } from "./prices.ts";
import { allOf, mapTally, type Tallies, type Tally } from "./tally.ts";

/** Dollars per million, by the kind of usage. */
export type Bill = Record<keyof typeof PER_MILLION, number>;

/** A message is written, read and deleted. */
const OPERATIONS_PER_MESSAGE = 3;
/**
 * How long a call or an alarm keeps an object active. It is the wait for its commit, which counted work does not show.
 */
export const ACTOR_BUSY = 0.02; // s
const ACTOR_MEMORY = 0.128; // GB

/** Bills a million requests and all that follows from them. `processor` is the CPU time of one, in ms. */
export const billOf = (tallies: Tallies, processor: number): Bill => dollarsOf(allOf(tallies), 1, processor);

/** Bills a million of `tally`, without a request. */
export const billOfTally = (tally: Tally): Bill => dollarsOf(tally, 0, 0);

/** Returns what one more follower adds to a publish: the difference between publishing to `followers` and to nobody. */
export function deliveryOf(toFollowers: Tallies, toNobody: Tallies, followers: number): Tally {
  const none = allOf(toNobody);
  return mapTally(allOf(toFollowers), (count, kind) => Math.max(0, count - none[kind]) / followers);
}

function dollarsOf(tally: Tally, requests: number, processor: number): Bill {
  const actorRequests = tally.actorCalls + tally.alarms;
  const used: Bill = {
    requests: requests + tally.consumed, // A batch of a queue consumer counts as a request.
    processor,
    rowsRead: tally.rowsRead,
    rowsWritten: tally.rowsWritten,
    actorRequests,
    actorTime: actorRequests * ACTOR_BUSY * ACTOR_MEMORY,
    actorRowsRead: tally.actorRowsRead,
    actorRowsWritten: tally.actorRowsWritten,
    kvReads: tally.kvReads,
    kvWrites: tally.kvWrites,
    bucketWrites: tally.bucketWrites,
    bucketReads: tally.bucketReads,
    pictures: tally.pictures,
    queueOperations: tally.messages * OPERATIONS_PER_MESSAGE,
  };
  return Object.fromEntries(
    Object.entries(used).map(([what, count]) => [what, count * PER_MILLION[what as keyof Bill].dollars]),
  ) as Bill;
}

export const totalOf = (bill: Bill): number => Object.values(bill).reduce((sum, dollars) => sum + dollars, 0);
