/** Who and what the lines of the table are about: graphs that are filled in while the product is stopped, and a few posts more. */
import type { PostId } from "../schema/ids.ts";
import { fillGraphs, type Member } from "./filled-graph.ts";
import { crowd, islands, powerLaw, reed98 } from "./graph.ts";
import { Subject } from "./subject.ts";

export const LARGE = 100_000;
export const MIDDLE = 10_000;
export const SMALL = 1000;
const SILENT = 64;
const POWER_LAW = { people: 1000, posts: 10, least: 10, most: 500 };
const ISLANDS = { readers: 1500, followees: 10, posts: 3 };
const POSTS_A_READER = ISLANDS.followees * ISLANDS.posts;
/** Of the islands' readers, whose posts are read one by one. */
const READ_BY_POST = 300;
/** So few that their pages' posts and people stay in the memory of an isolate. */
const WARM_READERS = 64;
const LIKERS = 300;
const LIVE_POSTS = 16;

export type Scene = {
  /** Whose feeds are read again and again. */
  readers: Member[];
  /** Whose feeds hold what nobody has read; whoever is asked for is taken out, as are the next. */
  coldReaders: Member[];
  coldPosts: PostId[];
  /** Posts that are read again and again. They have comments. */
  posts: PostId[];
  /** Published over the API, so that they can be liked. */
  livePosts: PostId[];
  likers: Member[];
  /** Whom nobody follows. */
  silent: Member[];
  large: Member;
  middle: Member;
  small: Member;
  /** Of the large one; the first of them follow the others too. */
  followers: Member[];
  description: string;
};

export async function prepareScene(state: string): Promise<Scene> {
  await (await Subject.start(state)).stop(); // Makes the tables.
  const college = reed98();
  const started = performance.now();
  const graphs = fillGraphs(state, [
    powerLaw(POWER_LAW),
    crowd([LARGE, MIDDLE, SMALL, ...Array.from({ length: SILENT }, () => 0)]),
    islands(ISLANDS),
    ...(college ? [college] : []),
  ]);
  const seconds = Math.round((performance.now() - started) / 1000);
  const [people = [], [large, middle, small, ...others] = [], island = [], students = []] = graphs;
  if (!large || !middle || !small) throw new Error("there is no crowd");
  const coldReaders = island.slice(0, ISLANDS.readers);
  const authors = island.slice(ISLANDS.readers);
  const readByPost = READ_BY_POST * ISLANDS.followees;
  coldReaders.length -= READ_BY_POST;
  const warmStudents = students.slice(0, WARM_READERS / 2);
  return {
    readers: [...warmStudents, ...people.slice(0, WARM_READERS - warmStudents.length)],
    coldReaders,
    coldPosts: authors.slice(-readByPost).flatMap(({ posts }) => posts),
    posts: people.flatMap(({ posts: [first] }) => first ?? []).slice(0, WARM_READERS),
    livePosts: [],
    likers: people.slice(-2 * LIKERS),
    silent: others.slice(0, SILENT),
    large,
    middle,
    small,
    followers: others.slice(SILENT),
    description: [
      `${graphs.flat().length} people, filled in within ${seconds} s:`,
      college
        ? `the ${students.length} of Reed98 with their friendships as follows both ways,`
        : "no Reed98, whose file is not there,",
      `${people.length} by power laws (${POWER_LAW.least} to ${POWER_LAW.most} followees), authors of ${LARGE}, ${MIDDLE} and ${SMALL} followers,`,
      `and ${ISLANDS.readers} readers who share no author and whose ${POSTS_A_READER} posts nobody else reads.`,
    ].join(" "),
  };
}

/** Posts with actors, once everything has followed from them. */
export async function publishLivePosts(subject: Subject, scene: Scene): Promise<void> {
  for (const author of scene.silent.slice(0, LIVE_POSTS)) scene.livePosts.push(await subject.publish(author));
  await subject.quiet();
}

/** The same with other likers: the likes of the first are as a timed run has left them. */
export const withOtherLikers = (scene: Scene): Scene => ({ ...scene, likers: scene.likers.slice(LIKERS) });

/** Takes `count` out of a pool, or as many as are left. */
export const taken = <T>(pool: T[], count: number): T[] => pool.splice(0, count);
