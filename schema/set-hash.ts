/**
 * A digest of a set, updated one element at a time and in any order: the sum of the hashes of its elements, modulo 2^48
 * in each of three lanes. Sets with the same digest are equal except with a probability of 2^-144, so two copies can be
 * compared without moving either. The algorithm is MSet-Add-Hash of Clarke et al., "Incremental Multiset Hash Functions
 * and Their Application to Memory Integrity Checking" (ASIACRYPT 2003), with a mixing function in place of a keyed
 * hash. It detects lost and duplicated elements, but does not defend against ids chosen to collide.
 *
 * A lane has 48 bits, so it is exact as a JavaScript number, and a sum of ten thousand lanes fits an SQLite integer.
 */
export type SetHash = readonly [number, number, number];

export const LANE_MAX = 2 ** 48 - 1;
export const EMPTY: SetHash = [0, 0, 0];

const MASK = 2n ** 64n - 1n;
const SEEDS = [0x9e3779b97f4a7c15n, 0xbf58476d1ce4e5b9n, 0x94d049bb133111ebn] as const;

/** Returns the digest of the set with just this element. */
export const hashOf = (element: string): SetHash => {
  const [a, b, c] = SEEDS;
  return [lane(element, a), lane(element, b), lane(element, c)];
};

/** Returns the digest after adding an element that was not in the set. */
export const added = (set: SetHash, element: string): SetHash => combine(set, hashOf(element), 1);
/** Returns the digest after removing an element that was in the set. */
export const removed = (set: SetHash, element: string): SetHash => combine(set, hashOf(element), -1);

/** Returns the digest of the union of disjoint sets. */
export const union = (sets: Iterable<SetHash>): SetHash => {
  let sum = EMPTY;
  for (const set of sets) sum = combine(sum, set, 1);
  return sum;
};

/** Formats a digest as text, for people and for comparisons. */
export const formatted = (set: SetHash): string => set.map((lane) => lane.toString(16).padStart(12, "0")).join("");

// FNV-1a over the characters, with a seed per lane, followed by the finalizer of MurmurHash3 (both in the public
// domain).
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
