/** Who follows whom, and how much each has posted: people are numbers here. The same in each run. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../scripts/places.ts";
import { randomOf } from "../tests/product/random.ts";

export type Graph = {
  /** How many posts each has. */
  posts: number[];
  follows: Follow[];
};
type Follow = { follower: number; followee: number };

const REED98 = join(ROOT, "../shared/corpus/graph/socfb-Reed98.edges");
const SEED = 98;

/** Friendships of a college (https://networkrepository.com/socfb-Reed98.php), each as two follows, if the file is there. */
export function reed98(): Graph | undefined {
  if (!existsSync(REED98)) return undefined;
  const edges = readFileSync(REED98, "utf8").trim().split("\n");
  const follows = edges.flatMap((line): Follow[] => {
    const [a = 0, b = 0] = line.split(" ").map(Number);
    return [
      { follower: a, followee: b },
      { follower: b, followee: a },
    ];
  });
  const people = follows.reduce((most, { follower }) => Math.max(most, follower), 0) + 1;
  return { posts: filled(people, 10), follows };
}

/**
 * How many one follows, and how many follow one, are both power laws: a few know everybody. `least` to `most` followees,
 * drawn by Zipf's law.
 */
export function powerLaw({ people, posts, least, most }: Record<"people" | "posts" | "least" | "most", number>): Graph {
  const random = randomOf(SEED);
  const popularity: number[] = [];
  for (let rank = 1; rank <= people; rank += 1) popularity.push((popularity.at(-1) ?? 0) + 1 / rank);
  const drawn = () => indexAbove(popularity, random() * (popularity.at(-1) ?? 0));
  const follows = Array.from({ length: people }, (_, follower) => {
    const wanted = Math.min(most, people - 1, Math.floor(least / (1 - random())));
    const followees = new Set<number>();
    while (followees.size < wanted) {
      const followee = drawn();
      if (followee !== follower) followees.add(followee);
    }
    return [...followees].map((followee) => ({ follower, followee }));
  });
  return { posts: filled(people, posts), follows: follows.flat() };
}

/** Authors with so many `followers` each, who are the first of one crowd. The authors come first, with one post. */
export function crowd(followers: readonly number[]): Graph {
  const authors = followers.length;
  return {
    posts: [...filled(authors, 1), ...filled(Math.max(...followers), 0)],
    follows: followers.flatMap((count, followee) =>
      Array.from({ length: count }, (_, index) => ({ follower: authors + index, followee })),
    ),
  };
}

/** Readers who share no author with anybody: what one of them reads, nobody has read before. The readers come first. */
export function islands({ readers, followees, posts }: Record<"readers" | "followees" | "posts", number>): Graph {
  return {
    posts: [...filled(readers, 0), ...filled(readers * followees, posts)],
    follows: Array.from({ length: readers * followees }, (_, index) => ({
      follower: Math.floor(index / followees),
      followee: readers + index,
    })),
  };
}

const filled = (length: number, value: number): number[] => Array.from({ length }, () => value);

/** Of the first of the growing `sums` that is above `value`. */
function indexAbove(sums: readonly number[], value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
