/** Hands pushes to the devices they are for, and says what is to follow from the answers. */
import type { PushMessage } from "../../schema/messages/push.ts";
import type { Outcome } from "./answers.ts";
import { deliver, type Sender } from "./deliver.ts";
import { inLanes } from "./lanes.ts";
import type { Device, Entry } from "./standing.ts";
import type { Push } from "./words.ts";

/** `entry` is what the push tells of; undefined for a summary. `attempt`: how often it was tried before. */
export type Job = { push: Push; entry: Entry | undefined; device: Device; attempt: number };

/** The most connections that an invocation may have open at once. */
const CONNECTIONS_MAX = 6;
/** A push service that was silent so often in one invocation is not asked again in it: it would hold up the others. */
const SILENCES_MAX = 3;
/** Before the first repetition, in s; four times as long before each further one. */
const FIRST_RETRY = 30;
/** The last comes after eleven hours. */
const RETRIES_MAX = 6;
/** A device that nothing has reached for so long is given up, in ms. Its browser subscribes again when it is used. */
const FAILS_FOR_AT_MOST = 7 * 24 * 60 * 60 * 1000;

type Settled = Job & { outcome: Outcome };

/** Never throws: each push is settled by itself. At most six requests at once. */
export async function settle(sender: Sender, jobs: readonly Job[]): Promise<Settled[]> {
  const silences = new Map<string, number>();
  return inLanes(CONNECTIONS_MAX, jobs, async (job) => {
    const { push, device } = job;
    const service = URL.parse(device.endpoint)?.host ?? "";
    const silent = silences.get(service) ?? 0;
    if (silent >= SILENCES_MAX) return { ...job, outcome: { is: "silent", reason: "silent before" } };
    const outcome = await deliver(sender, device, push);
    if (outcome.is === "silent") silences.set(service, (silences.get(service) ?? 0) + 1);
    if ("reason" in outcome) console.warn("push not taken", { service, attempt: job.attempt, ...outcome });
    return { ...job, outcome };
  });
}

/** The messages by which to try again what may be taken later, and after how many seconds. A summary is not repeated. */
export function retriesOf(settled: readonly Settled[]): { body: PushMessage; delay: number }[] {
  return settled.flatMap(({ entry, device, attempt, outcome }) => {
    if (!entry || (outcome.is !== "later" && outcome.is !== "silent") || attempt >= RETRIES_MAX) return [];
    const { recipient, kind, subject } = entry;
    const asked = outcome.is === "later" ? outcome.after : undefined;
    const again = { endpoint: device.endpoint, attempt: attempt + 1 };
    return [{ body: { recipient, kind, subject, again }, delay: asked ?? FIRST_RETRY * 4 ** attempt }];
  });
}

/** What is to be noted of the devices: that nobody is there any more, or since when they fail. */
export function changesOf(
  settled: readonly Settled[],
  now: number,
): { gone: Device[]; failing: { device: Device; since: number | null }[] } {
  const changes = [...Map.groupBy(settled, ({ device }) => device)].map(([device, group]) => {
    const since = device.failingSince ?? now;
    const isTaken = group.some(({ outcome }) => outcome.is === "taken");
    const isGone = group.some(({ outcome }) => outcome.is === "gone");
    return { device, isGone: isGone || (!isTaken && now - since > FAILS_FOR_AT_MOST), since: isTaken ? null : since };
  });
  return {
    gone: changes.filter(({ isGone }) => isGone).map(({ device }) => device),
    failing: changes.filter(({ device, isGone, since }) => !isGone && since !== device.failingSince),
  };
}
