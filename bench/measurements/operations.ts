/** Measures the whole product: times each operation beside its limit, and counts its calls to other stores. */
import { join } from "node:path";
import { ROOT } from "../../scripts/paths.ts";
import type { Tallies } from "../costs/tally.ts";
import { measure } from "../load/load.ts";
import { deal, type Timing, timingOf, warm } from "../load/timing.ts";
import { logProgress } from "../output/progress.ts";
import { prepareScene, publishLivePosts, type Scene } from "../worlds/scene.ts";
import { newState, Subject } from "../worlds/subject.ts";
import { countHerd, countRequests, HERD } from "./counting.ts";
import { type Beside, type Fanned, PUSHED_TO_ALL, timeBells, timeFanOut, timeVisibility } from "./deliveries.ts";
import { type LimitName, LIMITS, ROWS_AT_ONCE } from "./limits.ts";
import { type Line, LINES, MIX, MIX_TARGET, mixSequences, mixTitle } from "./lines.ts";

export type Options = {
  seconds: number;
  /** The names of the lines to measure; undefined for all. */
  only: ReadonlySet<string> | undefined;
};

/** A measured line. `limit` is the rate of its limit, measured just before, per second. */
export type Measured = {
  name: string;
  title: string;
  limited: LimitName | "mix";
  limit: number;
  target?: number;
  timing: Timing;
};
export type Counted = { name: string; title: string; tallies: Tallies };

export type Operations = {
  seconds: number;
  graph: string;
  limits: { name: LimitName; title: string; timing: Timing }[];
  lines: Measured[];
  /** Deliveries and the bare insert, in rows per second. */
  deliveries?: Fanned & { limit: number };
  /** Notifications of a new post, each of which comes with a feed entry. */
  bells?: Fanned;
  /** The author with 10,000 followers; `visibleSmall` is the one with 1,000. */
  visible?: Beside;
  visibleSmall?: Beside;
  counted: Counted[];
  herd?: Tallies;
  failures: string[];
};

const COUNTED = join(ROOT, "bench/workers/counted.ts");
/** The duration of a limit's measurement, which comes right before its line, so that other load slows both. */
const BESIDE = { warmUp: 0.5, seconds: 1.5 };

/** Fills a new product, and measures the chosen lines. Failures are collected in the result instead of thrown. */
export async function measureOperations({ seconds, only }: Options): Promise<Operations> {
  const wanted: Wanted = (name) => only?.has(name) ?? true;
  const state = newState();
  logProgress("filling in people, follows, posts and feeds");
  const scene = await prepareScene(state);
  const result: Operations = { seconds, graph: scene.description, limits: [], lines: [], counted: [], failures: [] };
  await withSubject(state, {}, (subject) => timeAll(subject, scene, wanted, result));
  if (wanted("deliveries") || wanted("bells") || wanted("visible")) {
    await withSubject(state, { bindings: PUSHED_TO_ALL }, (subject) => deliverAll(subject, scene, wanted, result));
  }
  await withSubject(state, { main: COUNTED }, (subject) => countAll(subject, scene, wanted, result));
  for (const { title, timing } of [...result.limits, ...result.lines]) {
    const { length, 0: first } = timing.failures;
    if (length > 0) result.failures.push(`${title}: ${length} requests failed, the first with ${first}`);
  }
  return result;
}

type Wanted = (name: string) => boolean;

async function timeAll(subject: Subject, scene: Scene, wanted: Wanted, result: Operations): Promise<void> {
  logProgress("publishing posts to like");
  await publishLivePosts(subject, scene);
  for (const name of Object.keys(LIMITS) as LimitName[]) {
    const { title } = LIMITS[name];
    await attempt(result, `limit: ${title}`, async () => {
      result.limits.push({ name, title, timing: await limitOf(subject, scene, name, result.seconds) });
    });
  }
  await subject.closed();
  for (const line of LINES.filter(({ name, untimed }) => wanted(name) && !untimed)) {
    await attempt(result, line.title, async () => {
      result.lines.push(await measuredOf(subject, scene, line, result.seconds));
    });
    if (line.writes) await subject.closed();
  }
  if (!wanted("mix")) return;
  await attempt(result, mixTitle, async () => {
    result.lines.push(await mixOf(subject, scene, result));
  });
}

async function deliverAll(subject: Subject, scene: Scene, wanted: Wanted, result: Operations): Promise<void> {
  await subject.quiet();
  if (wanted("deliveries")) {
    await attempt(result, "deliveries", async () => {
      const limit = (await besideLimit(subject, scene, "deliver")) * ROWS_AT_ONCE;
      await subject.quiet();
      result.deliveries = { ...(await timeFanOut(subject, scene)), limit };
    });
    await subject.quiet();
  }
  if (wanted("bells")) {
    await attempt(result, "bells", async () => {
      result.bells = await timeBells(subject, scene);
    });
    await subject.quiet();
  }
  if (!wanted("visible")) return;
  await attempt(result, "publish until visible, alone and during a large fan-out", async () => {
    result.visibleSmall = await timeVisibility(subject, scene, "small");
    result.visible = await timeVisibility(subject, scene, "middle");
  });
}

async function countAll(subject: Subject, scene: Scene, wanted: Wanted, result: Operations): Promise<void> {
  await subject.quiet();
  for (const line of LINES.filter(({ name }) => wanted(name))) {
    const { name, title } = line;
    await attempt(result, `counting: ${title}`, async () => {
      result.counted.push({ name, title, tallies: await countRequests(subject, scene, line) });
    });
  }
  if (!wanted("herd")) return;
  await attempt(result, `counting: ${HERD} concurrent reads`, async () => {
    result.herd = await countHerd(subject, scene);
  });
}

/** Runs `work`. A failure is recorded, and leaves a gap in the tables instead of ending the benchmark. */
async function attempt(result: Operations, what: string, work: () => Promise<void>): Promise<void> {
  logProgress(what);
  try {
    await work();
  } catch (error) {
    result.failures.push(`${what}: ${String(error)}`);
  }
}

async function withSubject(
  state: string,
  options: Parameters<typeof Subject.start>[1],
  work: (subject: Subject) => Promise<void>,
): Promise<void> {
  const subject = await Subject.start(state, options);
  try {
    await work(subject);
  } finally {
    await subject.stop();
  }
}

const limitOf = (subject: Subject, scene: Scene, name: LimitName, seconds: number): Promise<Timing> =>
  timingOf({
    port: subject.limits,
    pid: subject.pid,
    connections: LIMITS[name].connections,
    sequences: () => LIMITS[name].requests(scene).map((request) => [request]),
    seconds,
    settle: async () => undefined,
  });

async function besideLimit(subject: Subject, scene: Scene, name: LimitName): Promise<number> {
  const { connections, requests } = LIMITS[name];
  const sequences = requests(scene).map((request) => [request]);
  return (await measure({ port: subject.limits, connections: deal(sequences, connections), ...BESIDE })).perSecond;
}

async function measuredOf(subject: Subject, scene: Scene, line: Line, seconds: number): Promise<Measured> {
  const { name, title, limit: limited, target: targetRatio, once } = line;
  const target = { port: subject.server.port, sequences: () => line.sequences(scene) };
  if (!once && !line.writes) {
    await warm(target);
    await subject.quiet();
  }
  const limit = await besideLimit(subject, scene, limited);
  const timing = await timingOf({
    ...target,
    pid: subject.pid,
    connections: LIMITS[limited].connections,
    once,
    seconds,
    settle: () => (line.writes ? subject.quiet() : Promise.resolve()),
  });
  return { name, title, limited, limit, ...(targetRatio !== undefined && { target: targetRatio }), timing };
}

/** Measures the mix. Its limit is the rate that the limits of its parts allow in these shares. */
async function mixOf(subject: Subject, scene: Scene, { limits, seconds }: Operations): Promise<Measured> {
  const timing = await timingOf({
    port: subject.server.port,
    pid: subject.pid,
    connections: LIMITS.hello.connections,
    sequences: () => mixSequences(scene),
    seconds,
    settle: () => subject.quiet(),
  });
  const perSecond = (limited: LimitName) => limits.find(({ name }) => name === limited)?.timing.perSecond ?? Number.NaN;
  const time = Object.entries(MIX).reduce((sum, [name, share]) => {
    const line = LINES.find((one) => one.name === name);
    return sum + (line ? share / 100 / perSecond(line.limit) : Number.NaN);
  }, 0);
  return { name: "mix", title: mixTitle, limited: "mix", limit: 1 / time, target: MIX_TARGET, timing };
}
