/**
 * How long a message waits before its next attempt, in seconds: doubling, up to `atMost`, and drawn between the half and the
 * whole of that, so that what has failed together does not come back together.
 */
export function backOff(attempts: number, atMost: number): number {
  const half = Math.floor(Math.min(2 ** (attempts + 1), atMost) / 2);
  return half + Math.floor(Math.random() * (half + 1));
}
