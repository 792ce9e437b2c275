/** Compares requests on posts with few and with many likes and comments. The times should stay flat. */
import type { PostId } from "../../schema/ids.ts";
import { FROM_THE_FUTURE, tokenOf } from "../../tests/histories/recording/requests.ts";
import type { Request } from "../load/client.ts";
import { type Distribution, distributionOf } from "../load/percentiles.ts";
import { logProgress } from "../output/progress.ts";
import { type Report, short } from "../output/report.ts";
import { fillActor, fillD1, type Filling, fillingOf } from "../worlds/filled-post.ts";
import { newPeople, type Person, tokenKeyOf } from "../worlds/people.ts";
import { like } from "../worlds/requests.ts";
import { databaseFile } from "../../scripts/local-server/database-files.ts";
import { actorFile } from "../worlds/stored-rows.ts";
import { newState, Subject } from "../worlds/subject.ts";

const SIZES = [
  { likes: 10, comments: 10 },
  { likes: 10_000, comments: 1000 },
  { likes: 1_000_000, comments: 100_000 },
];
const LIKES = 300;
const READS = 100;
const WARM_UP = 30;
const PAGE = 20;
const COMMENTERS = 50;
const PAGES = [
  { name: "first comments", start: () => 0 },
  { name: "middle", start: (comments: number) => Math.floor(comments / 2) },
  { name: "last", start: (comments: number) => Math.max(0, comments - PAGE) },
];
const LIKE = "like";
const COLD = "cold start";
const WARM = "post from actor";

/** A request on a post, its column in the table, and whether the post's actor is evicted from memory before. */
type Question = { column: string; to: (filling: Filling, round: number) => Request; evicts?: boolean };
/** The times by column, in the order of SIZES. */
type Timed = Record<string, Distribution[]>;

export async function sizes(): Promise<Report> {
  const state = newState();
  const { people, fillings } = await prepare(state);
  const subject = await Subject.start(state);
  try {
    const wrong = await differences(subject, fillings, 0);
    const timed = {
      ...(await timesOf(subject, fillings, LIKES, [likeOf(people)])),
      ...(await timesOf(subject, fillings, READS, reads(await tokenKeyOf(subject.database)))),
    };
    wrong.push(...(await differences(subject, fillings, people.length)));
    return reportOf(timed, wrong);
  } finally {
    await subject.stop();
  }
}

/** Publishes the posts, stops the product, and fills in likes and comments. */
async function prepare(state: string): Promise<{ people: Person[]; fillings: Filling[] }> {
  const subject = await Subject.start(state);
  const posts: PostId[] = [];
  const [author, ...people] = await newPeople(subject.database, 1 + WARM_UP + LIKES);
  try {
    if (!author) throw new Error("there is no author");
    for (const _ of SIZES) {
      const post = await subject.publish(author);
      posts.push(post);
      await subject.caughtUp(post);
    }
  } finally {
    await subject.stop();
  }
  const commenters = people.slice(0, COMMENTERS).map(({ id }) => id);
  const fillings = SIZES.flatMap(({ likes, comments }, index) => {
    const post = posts[index];
    if (!post) return [];
    logProgress(`preparing a post with ${likes} likes and ${comments} comments`);
    const filling = fillingOf(post, likes, comments, commenters);
    fillActor(actorFile(state, post), filling);
    fillD1(databaseFile(state, "people"), filling);
    return [filling];
  });
  return { people, fillings };
}

/** Lists the posts whose actor or D1 does not hold what was filled in, plus `more` likes. */
async function differences(subject: Subject, fillings: Filling[], more: number): Promise<string[]> {
  const wrong: string[] = [];
  for (const { post, likes, comments } of fillings) {
    const { audit } = await subject.caughtUp(post);
    const { actor, verdict } = audit;
    if (verdict === "equal" && actor.likes === likes.length + more && actor.comments === comments.length) continue;
    wrong.push(`expected ${likes.length + more} likes and ${comments.length} comments: ${JSON.stringify(audit)}`);
  }
  return wrong;
}

const likeOf = (people: Person[]): Question => ({
  column: LIKE,
  to: ({ post }, round) => like("PUT", post, people[round]?.headers ?? {}),
});

function reads(key: string): Question[] {
  const fromActor = (post: PostId) => tokenOf(key, post, FROM_THE_FUTURE);
  const read = ({ post }: Filling): Request => ({ method: "GET", path: `/v1/posts/${post}`, headers: fromActor(post) });
  const pages = (from: "D1" | "actor") =>
    PAGES.map(({ name, start }) => ({
      column: `${name} from ${from}`,
      to: ({ post, comments }: Filling): Request => ({
        method: "GET",
        path: `/v1/posts/${post}/comments?limit=${PAGE}${cursorBefore(comments[start(comments.length) - 1])}`,
        headers: from === "actor" ? fromActor(post) : {},
      }),
    }));
  return [{ column: COLD, to: read, evicts: true }, { column: WARM, to: read }, ...pages("D1"), ...pages("actor")];
}

const cursorBefore = (comment: Filling["comments"][number] | undefined): string =>
  comment ? `&cursor=${Buffer.from(JSON.stringify([comment.id, "0"])).toString("base64url")}` : "";

/**
 * Sends requests sequentially. Sizes and questions take turns, so that other load on the machine affects all of them
 * alike. The first rounds warm up and do not count.
 */
async function timesOf(
  subject: Subject,
  fillings: readonly Filling[],
  rounds: number,
  questions: readonly Question[],
): Promise<Timed> {
  const { miniflare } = subject.server;
  const times = questions.map(() => fillings.map((): number[] => []));
  for (let round = 0; round < WARM_UP + rounds; round += 1) {
    for (const [size, filling] of fillings.entries()) {
      for (const [index, { to, evicts }] of questions.entries()) {
        if (evicts) await miniflare.unsafeEvictDurableObject("shutterline", "PostActor", { name: filling.post });
        const started = performance.now();
        await subject.ask(to(filling, round));
        if (round >= WARM_UP) times[index]?.[size]?.push(performance.now() - started);
      }
    }
  }
  return Object.fromEntries(
    questions.map(({ column }, index) => [column, (times[index] ?? []).map((times) => distributionOf(times))]),
  );
}

function reportOf(timed: Timed, wrong: string[]): Report {
  const columns = Object.keys(timed);
  return {
    title: "The same requests on posts of different sizes: sequential requests, p50 / p99 in ms",
    table: [
      ["likes", "comments", ...columns],
      ...SIZES.map(({ likes, comments }, size) => {
        const times = columns.map((column) => timed[column]?.[size]);
        const cells = times.map((of) => (of ? `${short(of.p50)} / ${short(of.p99)}` : "-"));
        return [String(likes), String(comments), ...cells];
      }),
    ],
    notes: [
      `Likes: ${LIKES} by people who had not liked the post. Other columns: ${READS} reads each. Posts and columns take turns.`,
      `Comments are read in pages of ${PAGE}. (The smallest post has only 10.)`,
      "A cold start reads the post from its actor, which was evicted from memory just before.",
    ],
    measured: { sizes: SIZES, timed },
    wrong,
  };
}
