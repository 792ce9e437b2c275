/** Counts of calls to other stores: the usage that is billed, and the calls that take time. */
export type Tally = {
  /** Calls to D1; a batch is one call. */
  d1Calls: number;
  d1Statements: number;
  rowsRead: number;
  rowsWritten: number;
  actorCalls: number;
  actorRowsRead: number;
  /** Setting an alarm counts as one row. */
  actorRowsWritten: number;
  alarms: number;
  /** Keys read: a call for many keys is billed as many. */
  kvReads: number;
  kvWrites: number;
  /** Objects of R2 written or listed, and read. */
  bucketWrites: number;
  bucketReads: number;
  /** Pictures made by the Images binding. */
  pictures: number;
  cacheReads: number;
  cacheWrites: number;
  /** Messages of up to 64 KB; a larger message counts as several. */
  messages: number;
  /** Batches that queue consumers received. */
  consumed: number;
};

/** `request` counts calls by the Worker while it responds, `behind` those by actors and queue consumers. */
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
  bucketWrites: 0,
  bucketReads: 0,
  pictures: 0,
  cacheReads: 0,
  cacheWrites: 0,
  messages: 0,
  consumed: 0,
});

/** Adds `more` to `tally` in place. */
export const addTo = (tally: Tally, more: Partial<Tally>): void => {
  for (const [kind, count] of Object.entries(more)) tally[kind as keyof Tally] += count;
};

export const mapTally = (tally: Tally, map: (count: number, kind: keyof Tally) => number): Tally =>
  Object.fromEntries(Object.entries(tally).map(([kind, count]) => [kind, map(count, kind as keyof Tally)])) as Tally;

/** Returns the sum of both tallies. */
export const allOf = ({ request, behind }: Tallies): Tally => mapTally(request, (count, kind) => count + behind[kind]);

/** The path at which the counted product returns its tallies and resets them. */
export const TALLIES = "/tallies";
