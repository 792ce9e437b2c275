/** What requests ask of other stores, on the product that counts it. */
import { Agent } from "node:http";
import { answerTo, type Request } from "./client.ts";
import type { Line } from "./lines.ts";
import { type Scene, taken } from "./scene.ts";
import type { Subject } from "./subject.ts";
import { mapTally, TALLIES, type Tallies } from "./tally.ts";

/** Since it was last asked. */
const talliesOf = (subject: Subject): Promise<Tallies> => subject.ask({ method: "GET", path: TALLIES });

/** Of one request, on average. They come one after the other. */
export async function countedOf(subject: Subject, scene: Scene, line: Line): Promise<Tallies> {
  const sequences = line.sequences(scene).slice(0, line.counted);
  const requests = sequences.flatMap(([first]) => first ?? []);
  if (!line.once && !line.writes) return warmTallies(subject, requests);
  const settle = () => (line.once || line.writes ? subject.quiet() : Promise.resolve());
  await settle();
  await talliesOf(subject);
  await all(subject, requests);
  await settle();
  const { request, behind } = await talliesOf(subject);
  const each = (count: number) => count / requests.length;
  return { request: mapTally(request, each), behind: mapTally(behind, each) };
}

/** What is to be warm was asked for in the moment before: counts are kept for a second. */
async function warmTallies(subject: Subject, requests: readonly Request[]): Promise<Tallies> {
  const counted: Tallies[] = [];
  for (const request of requests) {
    await subject.ask(request);
    await talliesOf(subject);
    await subject.ask(request);
    counted.push(await talliesOf(subject));
  }
  const [first] = counted;
  if (!first) throw new Error("nothing was counted");
  const averageOf = (part: keyof Tallies) =>
    mapTally(first[part], (_, kind) => counted.reduce((sum, tallies) => sum + tallies[part][kind], 0) / counted.length);
  return { request: averageOf("request"), behind: averageOf("behind") };
}

async function all(subject: Subject, requests: readonly Request[]): Promise<void> {
  for (const request of requests) await subject.ask(request);
}

export const HERD = 500;

/** A post that nobody has read, asked for by everybody at once: all of it together. */
export async function herdOf(subject: Subject, scene: Scene): Promise<Tallies> {
  const [post] = taken(scene.coldPosts, 1);
  const agent = new Agent({ keepAlive: true, maxSockets: HERD });
  const request = (path: string) => answerTo({ method: "GET", path }, subject.server.port, agent);
  // The sockets first: workerd takes new ones slowly, and a herd that comes by ones is none.
  await Promise.all(Array.from({ length: HERD }, () => request("/healthz")));
  await talliesOf(subject);
  await Promise.all(Array.from({ length: HERD }, () => request(`/v1/posts/${post}`)));
  await subject.quiet();
  agent.destroy();
  return talliesOf(subject);
}
