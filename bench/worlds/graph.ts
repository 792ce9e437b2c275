/** Follow graphs, in which people are numbers. Each graph is the same in every run. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/paths.ts";
import { randomOf } from "../../tests/product/harness/random.ts";

export type Graph = {
  /** The number of posts of each person. */
  posts: number[];
  follows: Follow[];
};
type Follow = { follower: number; followee: number };

const REED98 = join(ROOT, "../shared/corpus/graph/socfb-Reed98.edges");
const SEED = 98;

/**
 * Loads friendships of a college (https://networkrepository.com/socfb-Reed98.php) as mutual follows, if the file
 * exists.
 */
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
 * Draws a graph in which both followees and followers are distributed by power laws. Everyone follows `least` to `most`
 * people, who are drawn by Zipf's law.
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

/** Makes authors with one post and the given numbers of followers, all out of one crowd. The authors come first. */
export function crowd(followers: readonly number[]): Graph {
  const authors = followers.length;
  return {
    posts: [...filled(authors, 1), ...filled(Math.max(...followers), 0)],
    follows: followers.flatMap((count, followee) =>
      Array.from({ length: count }, (_, index) => ({ follower: authors + index, followee })),
    ),
  };
}

/** Makes readers who share no author, so that nobody has read what one of them reads. The readers come first. */
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

/** Returns the index of the first of the ascending `sums` that is above `value`. */
function indexAbove(sums: readonly number[], value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
