/** Lets people like and unlike one post without a pause, and checks its likes against the responses they received. */
import type { PostId } from "../../schema/ids.ts";
import { EMPTY, added, formatDigest } from "../../schema/set-hash.ts";
import { type Measured, measure } from "../load/load.ts";
import type { Person } from "../worlds/people.ts";
import { like } from "../worlds/requests.ts";
import type { Subject } from "../worlds/subject.ts";

const FAILURES_SHOWN = 3;

type Duration = { warmUp: number; seconds: number };

/** The likes of a post after a run, compared with the responses that its people received. */
export type Checked = {
  likes: { expected: number; actor: number; projection: number };
  lost: number;
  doubled: number;
  /** How many ms after the last response D1 had everything. */
  caughtUp: number;
  /** The reasons why the run is invalid. */
  wrong: string[];
};

/** Lets each of the people like and unlike the post, in turns, for the duration. */
export function toggleLikes(
  { server: { port } }: Subject,
  post: PostId,
  people: readonly Person[],
  duration: Duration,
): Promise<Measured> {
  const connections = people.map(({ headers }) => [like("PUT", post, headers), like("DELETE", post, headers)]);
  return measure({ port, connections, ...duration });
}

/** Checks a run. Each person began without a like, so they like the post after an odd number of responses. */
export async function check(
  subject: Subject,
  post: PostId,
  people: readonly Person[],
  { answered, failures, perSecond }: Measured,
): Promise<Checked> {
  const likers = people.filter((_, index) => (answered[index] ?? 0) % 2 === 1).map(({ id }) => id);
  const actor = await subject.likesOf(post);
  const { audit, after } = await subject.caughtUp(post);
  const wrong = failures.slice(0, FAILURES_SHOWN);
  if (failures.length > FAILURES_SHOWN) wrong.push(`and ${failures.length - FAILURES_SHOWN} more requests failed`);
  if (perSecond === 0) wrong.push("no likes were acknowledged");
  if (actor !== likers.length) wrong.push(`${likers.length} people like the post, but its actor counts ${actor}`);
  if (audit.actor.digest !== formatDigest(likers.reduce(added, EMPTY)))
    wrong.push("the digest of the actor's likes does not match the people who like the post");
  if (audit.verdict !== "equal") wrong.push(`D1 is ${audit.verdict} ${Math.round(after)} ms after the last response`);
  return {
    likes: { expected: likers.length, actor, projection: audit.projection.likes },
    lost: Math.max(0, likers.length - actor),
    doubled: Math.max(0, actor - likers.length),
    caughtUp: after,
    wrong,
  };
}
