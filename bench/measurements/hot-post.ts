/** Many people like one post: measures how many likes per second are acknowledged, and what each costs. */
import { join } from "node:path";
import type { PostId } from "../../schema/ids.ts";
import { ROOT } from "../../scripts/paths.ts";
import { type Fsyncs, withFsyncs } from "../load/fsyncs.ts";
import { type Measured, measure } from "../load/load.ts";
import { type Report, short } from "../output/report.ts";
import { newPeople, type Person } from "../worlds/people.ts";
import { newState, Subject } from "../worlds/subject.ts";
import { check, type Checked, toggleLikes } from "./likes.ts";

const WARM_UP = 1.5; // s
/** The duration of runs that measure the limits, or count instead of timing. */
const SHORT_RUN = 3; // s
const COUNTED = join(ROOT, "bench/workers/counted.ts");
/** A generator that is busy for at least this share of its time has limited the result. */
const SATURATED = 0.8;
/**
 * A note is added when the ratio of the most to the least served connection exceeds this, since it explains the slowest
 * responses.
 */
const UNFAIR = 3;

/** Inserts are measured before and after the likes that are compared with them. */
type Limits = { hello: Measured; read: Measured; insert: Measured; insertAfter: Measured };
type Timed = { connections: number; likes: Measured; limits: Limits; checked: Checked };
/** The costs per like. `fsyncs` is the reason if they could not be counted; its `p50` is the time of one fsync. */
type Costs = { connections: number; rows: number; fsyncs: Fsyncs | string; checked: Checked };

type Options = { connections: readonly number[]; seconds: number; runs: number };

/** Times the likes on a plain product, and counts their rows and fsyncs on a counting one. */
export async function hotPost({ connections, seconds, runs }: Options): Promise<Report> {
  const most = Math.max(...connections);
  const timed = await withSubject(most, undefined, async (subject, people) => {
    const all: Timed[] = [];
    for (let run = 0; run < runs; run += 1) {
      for (const count of connections) all.push(await timedOf(subject, people, count, seconds));
    }
    return all;
  });
  const costs = await withSubject(most, COUNTED, async (subject, people) => {
    const all: Costs[] = [];
    for (const count of connections) all.push(await costsOf(subject, people, count));
    return all;
  });
  return reportOf(timed, costs, { connections, seconds, runs });
}

async function withSubject<T>(
  people: number,
  main: string | undefined,
  work: (subject: Subject, people: Person[]) => Promise<T>,
): Promise<T> {
  const subject = await Subject.start(newState(), { main });
  try {
    return await work(subject, await newPeople(subject.database, people + 1));
  } finally {
    await subject.stop();
  }
}

/**
 * Publishes a post by the last of the people, who likes nothing, and waits until D1 has it, so that no work is left.
 */
async function postOf(subject: Subject, people: readonly Person[]): Promise<PostId> {
  const author = people.at(-1);
  if (!author) throw new Error("there is no author");
  const post = await subject.publish(author);
  await subject.caughtUp(post);
  return post;
}

async function timedOf(
  subject: Subject,
  people: readonly Person[],
  connections: number,
  seconds: number,
): Promise<Timed> {
  const limit = (path: string) => limitOf(subject, path, connections, Math.min(seconds, SHORT_RUN));
  const [hello, read, insert] = [await limit("/hello"), await limit("/read"), await limit("/insert")];
  const post = await postOf(subject, people);
  const likers = people.slice(0, connections);
  const likes = await toggleLikes(subject, post, likers, { warmUp: WARM_UP, seconds });
  const checked = await check(subject, post, likers, likes);
  return { connections, likes, limits: { hello, read, insert, insertAfter: await limit("/insert") }, checked };
}

const limitOf = ({ limits }: Subject, path: string, connections: number, seconds: number): Promise<Measured> =>
  measure({
    port: limits,
    connections: Array.from({ length: connections }, () => [{ method: "GET", path }]),
    warmUp: 1,
    seconds,
  });

type Counted = { rowsWritten(): Promise<number> };

async function costsOf(subject: Subject, people: readonly Person[], connections: number): Promise<Costs> {
  const post = await postOf(subject, people);
  const likers = people.slice(0, connections);
  const actors = await subject.server.miniflare.getDurableObjectNamespace("POSTS");
  const actor = actors.get(actors.idFromName(post)) as unknown as Counted;
  const toggle = () => toggleLikes(subject, post, likers, { warmUp: 0, seconds: SHORT_RUN });

  const before = await actor.rowsWritten();
  const { result, fsyncs } = await withFsyncs(subject.pid, toggle);
  const written = (await actor.rowsWritten()) - before;

  const likes = result.answered.reduce((sum, answered) => sum + answered, 0);
  return {
    connections,
    rows: written / likes,
    fsyncs: typeof fsyncs === "string" ? fsyncs : perLike(fsyncs, likes),
    checked: await check(subject, post, likers, result),
  };
}

const perLike = ({ actor, d1, other, p50 }: Fsyncs, likes: number): Fsyncs => ({
  actor: actor / likes,
  d1: d1 / likes,
  other: other / likes,
  p50,
});

function reportOf(timed: Timed[], costs: Costs[], { connections, seconds, runs }: Options): Report {
  const medians = connections.flatMap((count) => medianOf(timed.filter(({ connections }) => connections === count)));
  const rows = medians.map(({ connections, likes, limits, checked }) => {
    const inserts = (limits.insert.perSecond + limits.insertAfter.perSecond) / 2;
    const cost = costs.find((one) => one.connections === connections);
    const fsyncs = typeof cost?.fsyncs === "object" ? cost.fsyncs : undefined;
    return [
      String(connections),
      short(likes.perSecond),
      short(likes.p50),
      short(likes.p99),
      short(likes.max),
      String(likes.failures.length),
      checked.wrong.length === 0 ? `${checked.lost} lost, ${checked.doubled} doubled` : "**WRONG**",
      (likes.perSecond / inserts).toFixed(2),
      short(cost?.rows ?? Number.NaN),
      fsyncs ? short(fsyncs.actor) : "-",
      fsyncs ? `${short(fsyncs.d1)} + ${short(fsyncs.other)}` : "-",
      `${short(limits.hello.perSecond)} / ${short(limits.read.perSecond)} / ${short(inserts)}`,
    ];
  });
  return {
    title: `Hot post: people like and unlike one post without a pause, ${seconds} s each`,
    table: [
      [
        "connections",
        "likes/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "errors",
        "exactness",
        "ratio to bare insert",
        "rows per like",
        "fsyncs per like",
        "in D1 + other",
        "bare hello / read / insert per s",
      ],
      ...rows,
    ],
    notes: [
      ...(runs > 1 ? [`Each line is the run with the median likes/s of ${runs}.`] : []),
      ...notesOf(timed, costs),
    ],
    measured: { timed, costs },
    wrong: [
      ...timed.flatMap(({ connections, limits }) =>
        Object.entries(limits).flatMap(
          ([
            limit,
            {
              failures: [failure],
            },
          ]) => (failure === undefined ? [] : [`${connections} connections, bare ${limit}: ${failure}`]),
        ),
      ),
      ...[...timed, ...costs].flatMap(({ connections, checked }) =>
        checked.wrong.map((what) => `${connections} connections: ${what}`),
      ),
    ],
  };
}

function medianOf(runs: readonly Timed[]): Timed[] {
  const sorted = runs.toSorted((a, b) => a.likes.perSecond - b.likes.perSecond);
  const middle = Math.floor((sorted.length - 1) / 2);
  return sorted.slice(middle, middle + 1);
}

function notesOf(timed: Timed[], costs: Costs[]): string[] {
  const caughtUp = Math.max(...timed.map(({ checked }) => checked.caughtUp));
  const [fsyncs] = costs.map(({ fsyncs }) => fsyncs);
  const saturated = timed.flatMap(({ connections, likes, limits }) =>
    Object.entries({ likes, ...limits })
      .filter(([, { busy }]) => busy >= SATURATED)
      .map(([what, { busy }]) => `${what} at ${connections} (${Math.round(busy * 100)} %)`),
  );
  const unfair = timed.flatMap(({ connections, likes: { answered } }) => {
    const [least, most] = [Math.min(...answered), Math.max(...answered)];
    return most > UNFAIR * least ? [`${least} to ${most} of ${connections}`] : [];
  });
  const busy = Math.round(Math.max(...timed.map(({ likes }) => likes.busy)) * 100);
  return [
    ...(timed.some(({ checked }) => checked.wrong.length > 0)
      ? ["**WRONG: requests failed or counts differ, so these figures are meaningless.**"]
      : [
          `Exact: the count and the digest of the post's actor match the people whose last response was "liked", and D1 matched both at most ${Math.round(caughtUp)} ms after the last response.`,
        ]),
    `Rows and fsyncs are those of the actor. They were counted in separate runs of ${SHORT_RUN} s, because counting slows the product down.`,
    typeof fsyncs === "object"
      ? `One fsync took ${short(fsyncs.p50)} ms (median, under strace).`
      : `fsyncs: not measured (${fsyncs}).`,
    `The load generator was busy for at most ${busy} % of the time while likes were measured.`,
    ...(unfair.length > 0 ? [`workerd served some connections more often than others: ${unfair.join(", ")}.`] : []),
    ...(saturated.length > 0 ? [`The load generator was itself the limit of: ${saturated.join(", ")}.`] : []),
  ];
}
