/** Bounded lists are trimmed now and then, not with each row: a message trims one in so many of the lists that it writes to. */
export const TRIM_ONE_IN = 32;

/** Those whose turn it is: as many of any page, so a message is never late because of them. */
export function drawn<T>(readers: readonly T[]): T[] {
  const turn = Math.floor(Math.random() * TRIM_ONE_IN);
  return readers.filter((_, index) => index % TRIM_ONE_IN === turn);
}
