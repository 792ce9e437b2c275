/**
 * The people and posts that the lines work on: graphs, filled in while the product is stopped, and a few published
 * posts.
 */
import type { DatabaseSync } from "node:sqlite";
import type { PostId } from "../../schema/ids.ts";
import { fillGraphs, type Member } from "./filled-graph.ts";
import { FreshPairs } from "./fresh-pairs.ts";
import { crowd, islands, powerLaw, reed98 } from "./graph.ts";
import { databaseFile } from "../../scripts/local-server/database-files.ts";
import { inTransaction } from "./stored-rows.ts";
import { Subject } from "./subject.ts";

export const LARGE = 100_000;
export const MIDDLE = 10_000;
export const SMALL = 1000;
const SILENT = 64;
const POWER_LAW = { people: 1000, posts: 10, least: 10, most: 500 };
/** A graph whose most popular people are large authors. */
const WITH_LARGE = { people: 200, posts: 10, least: 10, most: 100 };
const LARGE_AUTHORS = 3;
const ISLANDS = { readers: 1500, followees: 10, posts: 3 };
const POSTS_PER_READER = ISLANDS.followees * ISLANDS.posts;
/** The number of island readers whose authors' posts are read one by one instead of in feeds. */
const READ_BY_POST = 300;
/** Few enough that the posts and people of their pages stay in an isolate's memory. */
const WARM_READERS = 64;
/** The people who write, and those who all like one post. */
const WRITERS = 200;
const HOT_LIKERS = 200;
const LIVE_POSTS = 1000;
const PUBLISHED_AT_ONCE = 8;
const FOLLOWEES = 1000;

export type Scene = {
  /** People whose feeds are read again and again. */
  readers: Member[];
  /** The same, but their feeds have large authors merged in. */
  mergedReaders: Member[];
  /**
   * People whose feeds contain posts that nobody has read. `take` removes those that are used, here and in `coldPosts`.
   */
  coldReaders: Member[];
  coldPosts: PostId[];
  /** Posts that are read again and again. They have comments. */
  posts: PostId[];
  /** Posts published over the API, so that they can be liked. */
  livePosts: PostId[];
  writers: Member[];
  /** Writers with live posts that they have not liked, commented on..., and with authors they do not follow. */
  fresh: { likes: Posts; comments: Posts; follows: FreshPairs<Member, Member> };
  hotLikers: Member[];
  /** Authors without followers. */
  silent: Member[];
  large: Member;
  middle: Member;
  small: Member;
  /** An author with as many followers as `middle`, all with a bell. */
  belled: Member;
  /** The followers of `large`. The first of them follow the other authors too. */
  followers: Member[];
  description: string;
};

type Posts = FreshPairs<Member, PostId>;

/** Creates the databases in `state`, and fills them. */
export async function prepareScene(state: string): Promise<Scene> {
  await (await Subject.start(state)).stop(); // Creates the tables.
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
  const writers = people.slice(-WRITERS);
  const warmStudents = students.slice(0, WARM_READERS / 2);
  return {
    readers: [...warmStudents, ...people.slice(0, WARM_READERS - warmStudents.length)],
    mergedReaders: popular.slice(-WARM_READERS),
    coldReaders,
    coldPosts: authors.slice(-readByPost).flatMap(({ posts }) => posts),
    posts: people.flatMap(({ posts: [first] }) => first ?? []).slice(0, WARM_READERS),
    livePosts: [],
    writers,
    fresh: {
      likes: new FreshPairs(writers, []),
      comments: new FreshPairs(writers, []),
      follows: new FreshPairs(writers, authors.slice(0, FOLLOWEES)),
    },
    hotLikers: people.slice(-WRITERS - HOT_LIKERS, -WRITERS),
    silent: others.slice(0, SILENT),
    large,
    middle,
    small,
    belled,
    followers: others.slice(SILENT),
    description: [
      `${graphs.flat().length} people, inserted in ${seconds} s:`,
      college
        ? `the ${students.length} of Reed98, with friendships as mutual follows;`
        : "no Reed98, because its file is missing;",
      `${people.length} with power-law follows (${POWER_LAW.least} to ${POWER_LAW.most} followees); authors with ${LARGE}, ${MIDDLE} and ${SMALL} followers;`,
      `${ISLANDS.readers} readers who share no authors, with ${POSTS_PER_READER} posts each that nobody else reads;`,
      `and ${WITH_LARGE.people} with power-law follows, ${LARGE_AUTHORS} of whom are large authors.`,
    ].join(" "),
  };
}

/** Gives all followers of the author a bell. */
function ringBells(database: DatabaseSync, author: Member): void {
  for (const table of ["following", "followers"]) {
    database.prepare(`UPDATE ${table} SET bell = 1 WHERE followee = ?`).run(author.id);
  }
}

/** Makes the author a large one whose transition is over: their posts are in no feed but their own. */
function mergeAuthor(database: DatabaseSync, author: Member): void {
  database.prepare("UPDATE people SET reach = 'merged' WHERE id = ?").run(author.id);
  database.prepare("UPDATE following SET merged = 1 WHERE followee = ?").run(author.id);
  database.prepare("DELETE FROM feed WHERE author = ?1 AND reader <> ?1").run(author.id);
}

/** Publishes posts that have actors, and waits until all that follows is done. */
export async function publishLivePosts(subject: Subject, scene: Scene): Promise<void> {
  const authors = Array.from({ length: LIVE_POSTS }, (_, index) => scene.silent[index % SILENT]);
  const publishAll = async () => {
    for (let author = authors.pop(); author; author = authors.pop()) {
      scene.livePosts.push(await subject.publish(author));
    }
  };
  await Promise.all(Array.from({ length: PUBLISHED_AT_ONCE }, publishAll));
  await subject.quiet();
  scene.fresh.likes = new FreshPairs(scene.writers, scene.livePosts);
  scene.fresh.comments = new FreshPairs(scene.writers, scene.livePosts);
}

/** Removes and returns up to `count` items of a pool. */
export const take = <T>(pool: T[], count: number): T[] => pool.splice(0, count);
