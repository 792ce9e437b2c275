/** Bounded lists are trimmed now and then, not with every row: a message trims one in TRIM_ONE_IN of the lists it writes to. */
export const TRIM_ONE_IN = 64;

/** Picks the readers whose turn it is. Their number is the same for every page, so trimming never delays a message. */
export function pickForTrim<T>(readers: readonly T[], oneIn = TRIM_ONE_IN): T[] {
  const turn = trimTurn(oneIn);
  return readers.filter((_, index) => index % oneIn === turn);
}

/** Returns whose turn it is: those in each `oneIn` places of a list with this remainder. */
export const trimTurn = (oneIn = TRIM_ONE_IN): number => Math.floor(Math.random() * oneIn);
