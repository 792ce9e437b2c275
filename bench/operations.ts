/** The whole product: each operation beside what the runtime can do at most, and what it asks of other stores. */
import { join } from "node:path";
import { ROOT } from "../scripts/places.ts";
import { countedOf, HERD, herdOf } from "./counting.ts";
import { bellsOf, type Beside, besideOf, type Fanned, fanOutOf, PUSHED_TO_ALL } from "./deliveries.ts";
import { type LimitName, LIMITS, ROWS_AT_ONCE } from "./limits.ts";
import { type Line, LINES, MIX, mixed, mixTitle } from "./lines.ts";
import { measure } from "./load.ts";
import { prepareScene, publishLivePosts, type Scene, withOtherLikers } from "./scene.ts";
import { say } from "./say.ts";
import { newState, Subject } from "./subject.ts";
import type { Tallies } from "./tally.ts";
import { dealt, type Timing, timingOf, warmed } from "./timing.ts";

export type Options = {
  seconds: number;
  /** The names of lines; undefined for all. */
  only: ReadonlySet<string> | undefined;
};

/** A line as it was measured. `limit` is how much of its limit went at the same time, a second. */
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
  /** Deliveries and the bare insert are rows a second. */
  deliveries?: Fanned & { limit: number };
  /** Notifications of a new post, each beside an entry of a feed. */
  bells?: Fanned;
  /** Of the author of 10,000 followers, and of that of 1,000. */
  visible?: Beside;
  visibleSmall?: Beside;
  counted: Counted[];
  herd?: Tallies;
  failures: string[];
};

const COUNTED = join(ROOT, "bench/workers/counted.ts");
/** The limit that a line is compared with is measured beside it, so that a busy machine slows both. */
const BESIDE = { warmUp: 0.5, seconds: 1.5 };

export async function measureOperations({ seconds, only }: Options): Promise<Operations> {
  const wanted: Wanted = (name) => only?.has(name) ?? true;
  const state = newState();
  say("filling in people, follows, posts and feeds");
  const scene = await prepareScene(state);
  const result: Operations = { seconds, graph: scene.description, limits: [], lines: [], counted: [], failures: [] };
  await withSubject(state, {}, (subject) => timeAll(subject, scene, wanted, result));
  if (wanted("deliveries") || wanted("bells") || wanted("visible")) {
    await withSubject(state, { bindings: PUSHED_TO_ALL }, (subject) => deliverAll(subject, scene, wanted, result));
  }
  await withSubject(state, { main: COUNTED }, (subject) => countAll(subject, scene, wanted, result));
  for (const { title, timing } of [...result.limits, ...result.lines]) {
    const { length, 0: first } = timing.failures;
    if (length > 0) result.failures.push(`${title}: ${length} failed, the first with ${first}`);
  }
  return result;
}

type Wanted = (name: string) => boolean;

async function timeAll(subject: Subject, scene: Scene, wanted: Wanted, result: Operations): Promise<void> {
  say("publishing posts to like");
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
      result.deliveries = { ...(await fanOutOf(subject, scene)), limit };
    });
    await subject.quiet();
  }
  if (wanted("bells")) {
    await attempt(result, "bells", async () => {
      result.bells = await bellsOf(subject, scene);
    });
    await subject.quiet();
  }
  if (!wanted("visible")) return;
  await attempt(result, "publish to visible, alone and beside a large fan-out", async () => {
    result.visibleSmall = await besideOf(subject, scene, "small");
    result.visible = await besideOf(subject, scene, "middle");
  });
}

async function countAll(subject: Subject, scene: Scene, wanted: Wanted, result: Operations): Promise<void> {
  const others = withOtherLikers(scene);
  await subject.quiet();
  for (const line of LINES.filter(({ name }) => wanted(name))) {
    const { name, title } = line;
    await attempt(result, `counting: ${title}`, async () => {
      result.counted.push({ name, title, tallies: await countedOf(subject, others, line) });
    });
  }
  if (!wanted("herd")) return;
  await attempt(result, `counting: ${HERD} at once`, async () => {
    result.herd = await herdOf(subject, scene);
  });
}

/** What fails leaves a hole in the tables, and not no tables. */
async function attempt(result: Operations, what: string, work: () => Promise<void>): Promise<void> {
  say(what);
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
  return (await measure({ port: subject.limits, connections: dealt(sequences, connections), ...BESIDE })).perSecond;
}

async function measuredOf(subject: Subject, scene: Scene, line: Line, seconds: number): Promise<Measured> {
  const { name, title, limit: limited, target, once } = line;
  const asked = { port: subject.server.port, sequences: () => line.sequences(scene) };
  if (!once && !line.writes) {
    await warmed(asked);
    await subject.quiet();
  }
  const limit = await besideLimit(subject, scene, limited);
  const timing = await timingOf({
    ...asked,
    pid: subject.pid,
    connections: LIMITS[limited].connections,
    once,
    seconds,
    settle: () => (line.writes ? subject.quiet() : Promise.resolve()),
  });
  return { name, title, limited, limit, ...(target !== undefined && { target }), timing };
}

/** Its limit is what the limits of its parts allow together. */
async function mixOf(subject: Subject, scene: Scene, { limits, seconds }: Operations): Promise<Measured> {
  const timing = await timingOf({
    port: subject.server.port,
    pid: subject.pid,
    connections: LIMITS.hello.connections,
    sequences: () => mixed(scene),
    seconds,
    settle: () => subject.quiet(),
  });
  const perSecond = (limited: LimitName) => limits.find(({ name }) => name === limited)?.timing.perSecond ?? Number.NaN;
  const time = Object.entries(MIX).reduce((sum, [name, share]) => {
    const line = LINES.find((one) => one.name === name);
    return sum + (line ? share / 100 / perSecond(line.limit) : Number.NaN);
  }, 0);
  return { name: "mix", title: mixTitle, limited: "mix", limit: 1 / time, timing };
}
