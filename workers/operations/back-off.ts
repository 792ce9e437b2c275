/**
 * Returns the delay before a message's next attempt, in seconds. It doubles with each attempt up to `atMost`, with
 * jitter between half and all of that, so that messages that failed together do not return together.
 */
export function backOff(attempts: number, atMost: number): number {
  const half = Math.floor(Math.min(2 ** (attempts + 1), atMost) / 2);
  return half + Math.floor(Math.random() * (half + 1));
}
