/** Sends pushes to devices, and derives retries and changes of subscriptions from the outcomes. */
import type { PushMessage } from "../../schema/messages/push.ts";
import { logWarning } from "../../schema/log.ts";
import type { PushOutcome } from "./delivery/outcomes.ts";
import { deliver, type Sender } from "./delivery/deliver.ts";
import { inLanes } from "./delivery/lanes.ts";
import type { Device, Entry } from "./push-state.ts";
import type { Push } from "./delivery/push-texts.ts";

/**
 * One push to one device. `entry` is its notification, undefined for a summary. `attempt` counts the earlier attempts.
 */
export type Job = { push: Push; entry: Entry | undefined; device: Device; attempt: number };

/** The most connections that the platform lets an invocation have open at once. */
const CONNECTIONS_MAX = 6;
/** After this many requests without a response, an invocation skips the push service, which would delay the others. */
const SILENCES_MAX = 3;
/** The delay of the first retry, in seconds. Each further retry waits four times as long. */
const FIRST_RETRY = 30;
/** The last retry comes after eleven hours. */
const RETRIES_MAX = 6;
/** A device that no push has reached for this long, in ms, is deleted. Its browser subscribes again when it is used. */
const FAILS_FOR_AT_MOST = 7 * 24 * 60 * 60 * 1000;

type Settled = Job & { outcome: PushOutcome };

/** Sends all pushes, at most six at a time, and returns each with its outcome. Never throws. */
export async function settle(sender: Sender, jobs: readonly Job[]): Promise<Settled[]> {
  const silences = new Map<string, number>();
  return inLanes(CONNECTIONS_MAX, jobs, async (job) => {
    const { push, device } = job;
    const service = URL.parse(device.endpoint)?.host ?? "";
    const silent = silences.get(service) ?? 0;
    if (silent >= SILENCES_MAX) return { ...job, outcome: { is: "silent", reason: "skipped: no response before" } };
    const outcome = await deliver(sender, device, push);
    if (outcome.is === "silent") silences.set(service, (silences.get(service) ?? 0) + 1);
    if ("reason" in outcome) logWarning("push not accepted", { service, attempt: job.attempt, ...outcome });
    return { ...job, outcome };
  });
}

/** Returns a message for each push to retry, with its delay in seconds. Summaries are not retried. */
export function retriesOf(settled: readonly Settled[]): { body: PushMessage; delay: number }[] {
  return settled.flatMap(({ entry, device, attempt, outcome }) => {
    if (!entry || (outcome.is !== "later" && outcome.is !== "silent") || attempt >= RETRIES_MAX) return [];
    const { recipient, kind, subject } = entry;
    const retryAfter = outcome.is === "later" ? outcome.after : undefined;
    const again = { endpoint: device.endpoint, attempt: attempt + 1 };
    return [{ body: { recipient, kind, subject, again }, delay: retryAfter ?? FIRST_RETRY * 4 ** attempt }];
  });
}

/**
 * Returns the devices to delete (`gone`), and those whose state changed (`failing`): `since` is when a device began to
 * fail, in ms since 1970, or null if it works again. `now` is in ms since 1970.
 */
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
