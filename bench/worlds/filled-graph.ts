/**
 * Fills a stopped product's databases with graphs, as the product would store them: people with sessions, follows and
 * their mirrors, posts, comments, and the feeds that fan-out would leave. The posts have no actors, so they can be read
 * but not liked. The bare Worker's database, if there is one, gets the feeds as well.
 */
import type { DatabaseSync } from "node:sqlite";
import { type CommentId, type MediaId, newId, type PostId, shardOf, timeOf } from "../../schema/ids.ts";
import { CREATE_TOKEN_KEY, TOKEN_KEY } from "../../scripts/local-server/issued-tokens.ts";
import type { Graph } from "./graph.ts";
import { DAY, makePeople, newTokenKey, type Person, type SignedIn } from "./people.ts";
import { databaseFile, databaseFileIfAny } from "../../scripts/local-server/database-files.ts";
import { hasColumn, insert, inTransaction } from "./stored-rows.ts";

/** A person of a graph. `following` is the number of people they follow. Their handle is their id. */
export type Member = Person & { posts: PostId[]; media: MediaId; following: number };

/** The number of entries that a feed keeps. */
const FEED_MAX = 500;
export const COMMENTS = 40;
/** How many posts of each graph have comments: the first post of each of the first people. */
const COMMENTED = 64;

/**
 * Writes the graphs, each with older ids than the one before, and returns the members of each. Rows that already exist
 * must not be older than `newest`.
 */
export function fillGraphs(state: string, graphs: readonly Graph[], newest = Date.now()): Member[][] {
  const filled: Member[][] = [];
  const feeds: Feed[][] = [];
  inTransaction(databaseFile(state, "people"), (database) => {
    for (const graph of graphs) {
      const members = fillGraph(database, graph, newest);
      filled.push(members);
      feeds.push([...feedsOf(members, graph.follows)]);
      insert(database, "feed", feeds.at(-1) ?? []);
      newest -= spanOf(graph);
    }
  });
  const bare = databaseFileIfAny(state, "deliveries");
  if (bare !== undefined) {
    inTransaction(bare, (database) => {
      for (const feed of feeds) insert(database, "deliveries", feed);
    });
  }
  return filled;
}

/** Returns the range of ids that a graph uses, in ms. */
export const spanOf = ({ posts }: Graph): number => Math.max(posts.length, total(posts));

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/** Writes one graph. Its ids are not after `newest`, and ids of one kind never share a millisecond. */
function fillGraph(database: DatabaseSync, { posts, follows }: Graph, newest: number): Member[] {
  database.prepare(CREATE_TOKEN_KEY).run(newTokenKey());
  const people = makePeople(String(database.prepare(TOKEN_KEY).get()?.["value"]), posts.length, newest);
  fillPeople(database, people, newest);
  const members = people.map(({ id, headers }): Member => {
    return { id, headers, posts: [], media: newId<MediaId>(shardOf(id), timeOf(id)), following: 0 };
  });
  fillFollows(database, members, follows);
  fillPosts(database, members, posts, newest);
  return members;
}

function fillPeople(database: DatabaseSync, people: readonly SignedIn[], now: number): void {
  const seen = hasColumn(database, "people", "seen_day") && { seen_day: Math.floor(now / DAY) };
  insert(database, "people", people, ({ id }) => ({ id, handle: id, name: "Bench", ...seen }));
  insert(database, "handles", people, ({ id }) => ({ handle: id, person: id }));
  insert(database, "sessions", people, ({ id, session, secretHash }) => ({
    id: session,
    person: id,
    secret_hash: secretHash,
    expires_at: now + DAY,
  }));
}

function fillFollows(database: DatabaseSync, members: readonly Member[], follows: Graph["follows"]): void {
  const pairs = pairsOf(members, follows);
  for (const { follower } of pairs) follower.following += 1;
  const active = { active: 1, version: 1 };
  insert(database, "following", pairs, ({ follower, followee }) => ({
    follower: follower.id,
    followee: followee.id,
    ...active,
  }));
  insert(database, "followers", pairs, ({ follower, followee }) => ({
    followee: followee.id,
    follower_shard: shardOf(follower.id),
    follower: follower.id,
    ...active,
  }));
}

/** Writes everyone's first post, then everyone's second, and so on, so that a feed contains many authors. */
function fillPosts(
  database: DatabaseSync,
  members: readonly Member[],
  counts: readonly number[],
  newest: number,
): void {
  const rounds = Math.max(...counts);
  let time = newest - total(counts);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, member] of members.entries()) {
      if (round >= (counts[index] ?? 0)) continue;
      member.posts.push(newId<PostId>(shardOf(member.id), time));
      time += 1;
    }
  }
  insert(database, "media", members, ({ id, media }) => ({
    id: media,
    owner: id,
    state: "ready",
    content_type: "image/jpeg",
    bytes: 200_000,
    ...SIZE,
  }));
  const commented = new Set(members.flatMap(({ posts: [first] }) => first ?? []).slice(0, COMMENTED));
  for (const { id: author, media, posts } of members) {
    const pictures = JSON.stringify([{ id: media, ...SIZE, alt: "A beach at low tide" }]);
    insert(database, "posts", posts, (id) => ({ id, author, caption: CAPTION, media: pictures, seq: 1 }));
    insert(database, "post_stats", posts, (post) => {
      const comments = commented.has(post) ? COMMENTS : 0;
      const last = comments > 0 ? newId<CommentId>(shardOf(post), timeOf(post) + comments, 0) : "";
      return { post, likes: 42, comments, seq: 1 + comments, projected: 1 + comments, comments_up_to: last };
    });
  }
  for (const post of commented) fillComments(database, post, members);
}

const SIZE = { width: 1200, height: 800 };
const CAPTION = "Low tide this morning, an hour before anybody else was there. The light did the rest.";

function fillComments(database: DatabaseSync, post: PostId, members: readonly Member[]): void {
  const authors = members.slice(0, COMMENTS);
  insert(database, "comments", authors, ({ id: author }) => {
    const nth = authors.findIndex(({ id }) => id === author) + 1;
    return {
      post,
      parent: "",
      id: newId<CommentId>(shardOf(post), timeOf(post) + nth, 0),
      author,
      text: "Where the light comes from is what I keep looking at here.",
      likes: 0,
      replies: 0,
      state: "shown",
      seq: 1 + nth,
    };
  });
}

type Feed = { reader: string; post: PostId; author: string };

/** Yields each reader's newest posts, which include their own. */
function* feedsOf(members: readonly Member[], follows: Graph["follows"]): Generator<Feed> {
  const authorsOf = new Map<Member, Member[]>(members.map((member) => [member, [member]]));
  for (const { follower, followee } of pairsOf(members, follows)) authorsOf.get(follower)?.push(followee);
  for (const [reader, authors] of authorsOf) {
    const entries = authors.flatMap(({ id: author, posts }) => posts.map((post) => ({ post, author })));
    entries.sort((a, b) => (a.post < b.post ? 1 : -1));
    for (const { post, author } of entries.slice(0, FEED_MAX)) yield { reader: reader.id, post, author };
  }
}

const pairsOf = (members: readonly Member[], follows: Graph["follows"]) =>
  follows.flatMap(({ follower, followee }) => {
    const [a, b] = [members[follower], members[followee]];
    return a && b ? [{ follower: a, followee: b }] : [];
  });
