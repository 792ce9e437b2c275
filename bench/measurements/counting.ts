/** Counts the calls that requests make to other stores. The subject must run `bench/workers/counted.ts`. */
import { Agent } from "node:http";
import { mapTally, TALLIES, type Tallies } from "../costs/tally.ts";
import { fetchText, type Request } from "../load/client.ts";
import { type Scene, take } from "../worlds/scene.ts";
import type { Subject } from "../worlds/subject.ts";
import type { Line } from "./lines.ts";

/** Returns the counts since the previous call. */
const talliesOf = (subject: Subject): Promise<Tallies> => subject.ask({ method: "GET", path: TALLIES });

/** Sends the line's requests sequentially, and returns the average counts of one. */
export async function countRequests(subject: Subject, scene: Scene, line: Line): Promise<Tallies> {
  const sequences = line.sequences(scene).slice(0, line.counted);
  const requests = sequences.flatMap(([first]) => first ?? []);
  if (!line.once && !line.writes) return warmTallies(subject, requests);
  // What follows a write ends with an alarm, ten seconds later.
  const settle = () => (line.writes ? subject.closed() : subject.quiet());
  await settle();
  await talliesOf(subject);
  await askAll(subject, requests);
  await settle();
  const { request, behind } = await talliesOf(subject);
  const each = (count: number) => count / requests.length;
  return { request: mapTally(request, each), behind: mapTally(behind, each) };
}

/** Sends each request twice and counts the second, because the counts of posts are cached for only a second. */
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

async function askAll(subject: Subject, requests: readonly Request[]): Promise<void> {
  for (const request of requests) await subject.ask(request);
}

export const HERD = 500;

/** Reads a cold post over `HERD` connections at once, and returns the total counts. */
export async function countHerd(subject: Subject, scene: Scene): Promise<Tallies> {
  const [post] = take(scene.coldPosts, 1);
  const agent = new Agent({ keepAlive: true, maxSockets: HERD });
  const request = (path: string) => fetchText({ method: "GET", path }, subject.server.port, agent);
  // Open the sockets first: workerd accepts new ones slowly, which would spread the requests out.
  await Promise.all(Array.from({ length: HERD }, () => request("/healthz")));
  await talliesOf(subject);
  await Promise.all(Array.from({ length: HERD }, () => request(`/v1/posts/${post}`)));
  await subject.quiet();
  agent.destroy();
  return talliesOf(subject);
}
