/**
 * A digest of a set that is kept up to date one element at a time, in any order: the sum of its elements' hashes, modulo
 * 2^48 in each of three lanes. Two sets with the same digest are the same set but for a chance of 2^-144, so two copies
 * can be compared without moving either. It is MSet-Add-Hash of Clarke et al., "Incremental Multiset Hash Functions and
 * Their Application to Memory Integrity Checking" (ASIACRYPT 2003), with a mixing function in place of a keyed hash: it
 * finds what was lost or doubled, and does not defend against somebody who chooses ids to collide.
 *
 * 48 bits, so that a lane is exact as a JavaScript number and sums of ten thousand of them fit SQLite's integers.
 */
export type SetHash = readonly [number, number, number];

export const LANE_MAX = 2 ** 48 - 1;
export const EMPTY: SetHash = [0, 0, 0];

const MASK = 2n ** 64n - 1n;
const SEEDS = [0x9e3779b97f4a7c15n, 0xbf58476d1ce4e5b9n, 0x94d049bb133111ebn] as const;

export const hashOf = (element: string): SetHash => {
  const [a, b, c] = SEEDS;
  return [lane(element, a), lane(element, b), lane(element, c)];
};

export const added = (set: SetHash, element: string): SetHash => combine(set, hashOf(element), 1);
export const removed = (set: SetHash, element: string): SetHash => combine(set, hashOf(element), -1);

export const union = (sets: Iterable<SetHash>): SetHash => {
  let sum = EMPTY;
  for (const set of sets) sum = combine(sum, set, 1);
  return sum;
};

/** As text, for people and for comparing. */
export const formatted = (set: SetHash): string => set.map((lane) => lane.toString(16).padStart(12, "0")).join("");

// FNV-1a over the characters, from a seed of the lane, and the finalizer of MurmurHash3 (both in the public domain).
function lane(element: string, seed: bigint): number {
  let hash = seed;
  for (let index = 0; index < element.length; index += 1) {
    hash = ((hash ^ BigInt(element.charCodeAt(index))) * 0x100000001b3n) & MASK;
  }
  hash = ((hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
  hash = ((hash ^ (hash >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
  return Number((hash ^ (hash >> 33n)) & BigInt(LANE_MAX));
}

const combine = (set: SetHash, other: SetHash, sign: 1 | -1): SetHash => [
  modulo(set[0] + sign * other[0]),
  modulo(set[1] + sign * other[1]),
  modulo(set[2] + sign * other[2]),
];

const modulo = (value: number): number => ((value % 2 ** 48) + 2 ** 48) % 2 ** 48;
