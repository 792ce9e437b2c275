/** What is asked of the platform's other stores, by kind: what is billed and what is waited for. */
export type Tally = {
  /** Calls of D1: a batch is one. */
  d1Calls: number;
  d1Statements: number;
  rowsRead: number;
  rowsWritten: number;
  actorCalls: number;
  actorRowsRead: number;
  /** An alarm that is set is one. */
  actorRowsWritten: number;
  alarms: number;
  /** Keys: a call for many is billed as many. */
  kvReads: number;
  kvWrites: number;
  cacheReads: number;
  cacheWrites: number;
  /** Of 64 kB or less; a larger message counts as several. */
  messages: number;
  consumed: number;
};

/** `request`: by the Worker while it answers. `behind`: by actors, and by queues' consumers, which follow. */
export type Tallies = { request: Tally; behind: Tally };

export const noTally = (): Tally => ({
  d1Calls: 0,
  d1Statements: 0,
  rowsRead: 0,
  rowsWritten: 0,
  actorCalls: 0,
  actorRowsRead: 0,
  actorRowsWritten: 0,
  alarms: 0,
  kvReads: 0,
  kvWrites: 0,
  cacheReads: 0,
  cacheWrites: 0,
  messages: 0,
  consumed: 0,
});

export const addTo = (tally: Tally, more: Partial<Tally>): void => {
  for (const [kind, count] of Object.entries(more)) tally[kind as keyof Tally] += count;
};

export const mapTally = (tally: Tally, map: (count: number, kind: keyof Tally) => number): Tally =>
  Object.fromEntries(Object.entries(tally).map(([kind, count]) => [kind, map(count, kind as keyof Tally)])) as Tally;

/** Both together. */
export const allOf = ({ request, behind }: Tallies): Tally => mapTally(request, (count, kind) => count + behind[kind]);

/** Where the counted product tells its tallies since it was last asked, and begins anew. */
export const TALLIES = "/tallies";
