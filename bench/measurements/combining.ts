/** The benefit of combining: the same likes, in one commit each, in group commits, and through gates. */
import { type Fsyncs, withFsyncs } from "../load/fsyncs.ts";
import { type Measured, measure } from "../load/load.ts";
import { type Report, short } from "../output/report.ts";
import { newPeople, type Person } from "../worlds/people.ts";
import { newState, Subject } from "../worlds/subject.ts";
import { check, type Checked } from "./likes.ts";

const WAYS = { alone: "one commit each", commit: "group commit", gates: "through 4 gates" } as const;
type Way = keyof typeof WAYS;

const WARM_UP = 1; // s
/** The duration of the runs in which fsyncs are counted. */
const COUNTED_FOR = 2; // s

type Run = {
  way: Way;
  connections: number;
  likes: Measured;
  insert: number;
  fsyncs: Fsyncs | string;
  checked: Checked;
};
type Options = { connections: readonly number[]; seconds: number; runs: number };

export async function combining({ connections, seconds, runs }: Options): Promise<Report> {
  const most = Math.max(...connections);
  const subject = await Subject.start(newState());
  const all: Run[] = [];
  try {
    const people = await newPeople(subject.database, most + 1);
    for (const count of connections) {
      // The ways take turns, so that other load on the machine slows all of them alike.
      for (let run = 0; run < runs; run += 1) {
        for (const way of Object.keys(WAYS) as Way[]) all.push(await runOf(subject, people, way, count, seconds));
      }
    }
  } finally {
    await subject.stop();
  }
  return reportOf(all, { connections, seconds, runs });
}

async function runOf(subject: Subject, people: readonly Person[], way: Way, connections: number, seconds: number) {
  const author = people.at(-1);
  if (!author) throw new Error("there is no author");
  const post = await subject.publish(author);
  await subject.caughtUp(post);
  const likers = people.slice(0, connections);
  const load = {
    port: subject.limits,
    connections: likers.map(({ id }, index) =>
      (["PUT", "DELETE"] as const).map((method) => ({
        method,
        path: `/likes/${way}/${post}/${id}/${index}`,
        expects: { text: `"liked":${method === "PUT"}` },
      })),
    ),
  };
  const likes = await measure({ ...load, warmUp: WARM_UP, seconds });
  const { result, fsyncs } = await withFsyncs(subject.pid, () =>
    measure({ ...load, connections: resumed(load.connections, likes), warmUp: 0, seconds: COUNTED_FOR }),
  );
  const both = {
    ...likes,
    failures: [...likes.failures, ...result.failures],
    answered: sums(likes.answered, result.answered),
  };
  const insert = await measure({
    port: subject.limits,
    connections: likers.map(() => [{ method: "GET" as const, path: "/insert" }]),
    warmUp: 0.5,
    seconds: Math.min(seconds, COUNTED_FOR),
  });
  return {
    way,
    connections,
    likes,
    insert: insert.perSecond,
    fsyncs: typeof fsyncs === "string" ? fsyncs : { ...fsyncs, actor: fsyncs.actor / total(result) },
    checked: await check(subject, post, likers, both),
  };
}

const total = ({ answered }: Measured): number => answered.reduce((sum, count) => sum + count, 0);
const sums = (a: number[], b: number[]): number[] => a.map((count, index) => count + (b[index] ?? 0));

/** Continues a run: connections whose last request was a like begin with the unlike. */
const resumed = <T>(connections: readonly (readonly T[])[], { answered }: Measured): T[][] =>
  connections.map((requests, index) => ((answered[index] ?? 0) % 2 === 1 ? requests.toReversed() : [...requests]));

function reportOf(all: Run[], { connections, seconds, runs }: Options): Report {
  const rows = connections.flatMap((count) => {
    const medians = (Object.keys(WAYS) as Way[]).map((way) =>
      medianOf(all.filter((run) => run.way === way && run.connections === count)),
    );
    const alone = medians[0]?.likes.perSecond ?? Number.NaN;
    return medians.map(({ way, likes, insert, fsyncs, checked }) => [
      String(count),
      WAYS[way],
      short(likes.perSecond),
      short(likes.perSecond / alone),
      short(likes.perSecond / insert),
      short(likes.p50),
      short(likes.p99),
      typeof fsyncs === "object" ? fsyncs.actor.toFixed(3) : "-",
      checked.wrong.length === 0 ? `${checked.lost} lost, ${checked.doubled} doubled` : "**WRONG**",
    ]);
  });
  const head = [
    "connections",
    "likes",
    "likes/s",
    "ratio to one commit each",
    "ratio to bare insert",
    "p50 ms",
    "p99 ms",
    "fsyncs per like",
    "exactness",
  ];
  const [unmeasured] = all.flatMap(({ fsyncs }) => (typeof fsyncs === "string" ? [fsyncs] : []));
  return {
    title: `Combining: likes sent straight to one post's actor, ${seconds} s each${runs > 1 ? `, median of ${runs}` : ""}`,
    table: [head, ...rows],
    notes:
      unmeasured === undefined ? ["fsyncs were counted in separate runs."] : [`fsyncs: not measured (${unmeasured}).`],
    measured: all,
    wrong: all.flatMap(({ way, connections, checked }) =>
      checked.wrong.map((what) => `${connections} ${way}: ${what}`),
    ),
  };
}

function medianOf(runs: readonly Run[]): Run {
  const sorted = runs.toSorted((a, b) => a.likes.perSecond - b.likes.perSecond);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  if (!median) throw new Error("there is no run");
  return median;
}
