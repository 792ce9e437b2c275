/** Measures feed pages by number of people followed, and by number of posts. The times should stay flat. */
import { type Distribution, distributionOf } from "../load/percentiles.ts";
import { logProgress } from "../output/progress.ts";
import { fillGraphs, type Member, spanOf } from "../worlds/filled-graph.ts";
import type { Graph } from "../worlds/graph.ts";
import { newState, Subject } from "../worlds/subject.ts";

export type Point = { size: number; times: Distribution };
export type Growth = { followees: Point[]; posts: Point[] };

const FOLLOWEES = [10, 30, 100, 300, 1000, 3000, 5000];
const POSTS = [1000, 10_000, 100_000, 1_000_000];
const POSTS_OF_FOLLOWEES = 2;
/** The readers of each group. In `byPosts` each of them follows FOLLOWED people. */
const READERS = 16;
const FOLLOWED = 50;
const ROUNDS = 20;
const WARM_UP = 3;
const PAGE = 30;

export async function measureGrowth(): Promise<Growth> {
  return { followees: await byFollowees(), posts: await byPosts() };
}

/** Measures groups of readers in one database, each of which follows more of the same authors than the one before. */
async function byFollowees(): Promise<Point[]> {
  logProgress("readers who follow more and more people");
  const most = Math.max(...FOLLOWEES);
  const readers = FOLLOWEES.length * READERS;
  const graph: Graph = {
    posts: [...Array.from({ length: readers }, () => 0), ...Array.from({ length: most }, () => POSTS_OF_FOLLOWEES)],
    follows: FOLLOWEES.flatMap((followees, size) =>
      Array.from({ length: READERS }, (_, nth) =>
        // Spread over all authors, so that each reader reads different posts.
        Array.from({ length: followees }, (_, index) => ({
          follower: size * READERS + nth,
          followee: readers + ((index * Math.floor(most / followees) + nth) % most),
        })),
      ).flat(),
    ),
  };
  return withFilled(newState(), graph, Date.now(), (subject, members) => {
    const groups = FOLLOWEES.map((size, index) => ({
      size,
      readers: members.slice(index * READERS, (index + 1) * READERS),
    }));
    return timesOf(subject, groups);
  });
}

/** Measures one database that grows: the same number of readers and followees each time, among more and more posts. */
async function byPosts(): Promise<Point[]> {
  const state = newState();
  const points: Point[] = [];
  let filled = 0;
  let newest = Date.now();
  for (const size of POSTS) {
    logProgress(`readers among ${size} posts`);
    const authors = Math.max(FOLLOWED, Math.ceil((size - filled) / 100));
    const graph: Graph = {
      posts: [
        ...Array.from({ length: READERS }, () => 0),
        ...Array.from({ length: authors }, (_, author) => Math.floor((size - filled + author) / authors)),
      ],
      follows: Array.from({ length: READERS }, (_, follower) =>
        Array.from({ length: FOLLOWED }, (_, index) => ({
          follower,
          followee: READERS + ((index * Math.floor(authors / FOLLOWED) + follower) % authors),
        })),
      ).flat(),
    };
    points.push(
      ...(await withFilled(state, graph, newest, (subject, members) =>
        timesOf(subject, [{ size, readers: members.slice(0, READERS) }]),
      )),
    );
    filled = size;
    newest -= spanOf(graph);
  }
  return points;
}

async function withFilled(
  state: string,
  graph: Graph,
  newest: number,
  work: (subject: Subject, members: Member[]) => Promise<Point[]>,
): Promise<Point[]> {
  await (await Subject.start(state)).stop(); // Creates the tables.
  const [members = []] = fillGraphs(state, [graph], newest);
  const subject = await Subject.start(state);
  try {
    await subject.quiet();
    return await work(subject, members);
  } finally {
    await subject.stop();
  }
}

/**
 * Sends requests sequentially, and the sizes take turns, so that other load on the machine affects all of them alike.
 */
async function timesOf(subject: Subject, groups: { size: number; readers: Member[] }[]): Promise<Point[]> {
  const times = groups.map((): number[] => []);
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    for (let turn = 0; turn < READERS; turn += 1) {
      for (const [index, { readers }] of groups.entries()) {
        const reader = readers[turn];
        if (!reader) continue;
        const started = performance.now();
        await subject.ask({
          method: "GET",
          path: `/v1/feed?limit=${PAGE}`,
          headers: reader.headers,
          expects: { text: '"items":[{' },
        });
        if (round >= WARM_UP) times[index]?.push(performance.now() - started);
      }
    }
  }
  return groups.map(({ size }, index) => ({ size, times: distributionOf(times[index] ?? []) }));
}
