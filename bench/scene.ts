/** Who and what the lines of the table are about: graphs that are filled in while the product is stopped, and a few posts more. */
import type { DatabaseSync } from "node:sqlite";
import type { PostId } from "../schema/ids.ts";
import { fillGraphs, type Member } from "./filled-graph.ts";
import { crowd, islands, powerLaw, reed98 } from "./graph.ts";
import { databaseFile, inTransaction } from "./stored-rows.ts";
import { Subject } from "./subject.ts";

export const LARGE = 100_000;
export const MIDDLE = 10_000;
export const SMALL = 1000;
const SILENT = 64;
const POWER_LAW = { people: 1000, posts: 10, least: 10, most: 500 };
/** Of whom the most popular count as large authors. */
const WITH_LARGE = { people: 200, posts: 10, least: 10, most: 100 };
const LARGE_AUTHORS = 3;
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
  /** The same, with large authors' posts merged in. */
  mergedReaders: Member[];
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
  /** As many as of the middle one have a bell for this one. */
  belled: Member;
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
    crowd([LARGE, MIDDLE, SMALL, MIDDLE, ...Array.from({ length: SILENT }, () => 0)]),
    islands(ISLANDS),
    powerLaw(WITH_LARGE),
    ...(college ? [college] : []),
  ]);
  const seconds = Math.round((performance.now() - started) / 1000);
  const [people = [], [large, middle, small, belled, ...others] = [], island = [], popular = [], students = []] =
    graphs;
  if (!large || !middle || !small || !belled) throw new Error("there is no crowd");
  inTransaction(databaseFile(state, "people"), (database) => {
    ringBells(database, belled);
    for (const author of popular.slice(0, LARGE_AUTHORS)) mergeAuthor(database, author);
  });
  const coldReaders = island.slice(0, ISLANDS.readers);
  const authors = island.slice(ISLANDS.readers);
  const readByPost = READ_BY_POST * ISLANDS.followees;
  coldReaders.length -= READ_BY_POST;
  const warmStudents = students.slice(0, WARM_READERS / 2);
  return {
    readers: [...warmStudents, ...people.slice(0, WARM_READERS - warmStudents.length)],
    mergedReaders: popular.slice(-WARM_READERS),
    coldReaders,
    coldPosts: authors.slice(-readByPost).flatMap(({ posts }) => posts),
    posts: people.flatMap(({ posts: [first] }) => first ?? []).slice(0, WARM_READERS),
    livePosts: [],
    likers: people.slice(-2 * LIKERS),
    silent: others.slice(0, SILENT),
    large,
    middle,
    small,
    belled,
    followers: others.slice(SILENT),
    description: [
      `${graphs.flat().length} people, filled in within ${seconds} s:`,
      college
        ? `the ${students.length} of Reed98 with their friendships as follows both ways,`
        : "no Reed98, whose file is not there,",
      `${people.length} by power laws (${POWER_LAW.least} to ${POWER_LAW.most} followees), authors of ${LARGE}, ${MIDDLE} and ${SMALL} followers,`,
      `${ISLANDS.readers} readers who share no author and whose ${POSTS_A_READER} posts nobody else reads,`,
      `and ${WITH_LARGE.people} by power laws, ${LARGE_AUTHORS} of them large authors.`,
    ].join(" "),
  };
}

/** All followers of the author want to be told of each new post. */
function ringBells(database: DatabaseSync, author: Member): void {
  for (const table of ["following", "followers"]) {
    database.prepare(`UPDATE ${table} SET bell = 1 WHERE followee = ?`).run(author.id);
  }
}

/** As when the author has long been a large one: their posts are in nobody's feed but their own. */
function mergeAuthor(database: DatabaseSync, author: Member): void {
  database.prepare("UPDATE people SET reach = 'merged' WHERE id = ?").run(author.id);
  database.prepare("UPDATE following SET merged = 1 WHERE followee = ?").run(author.id);
  database.prepare("DELETE FROM feed WHERE author = ?1 AND reader <> ?1").run(author.id);
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
