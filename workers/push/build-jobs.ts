/** Decides which pushes are sent and to which devices. */
import { entryKey } from "../notifications/inbox.ts";
import { presentNotifications } from "../notifications/present-notifications.ts";
import { Reader } from "../storage/reader.ts";
import type { Background } from "../../schema/background.ts";
import type { Job } from "./jobs.ts";
import { paced } from "./pace.ts";
import type { Plan } from "./plan.ts";
import type { Device, Entry, PushState } from "./push-state.ts";
import { type Push, pushOf, summaryOf } from "./delivery/push-texts.ts";

/**
 * The pushes to send, and in `pushed` the notifications that need no further push in their present version. `isCounted`
 * says that the notification takes one of its recipient's places in this minute: each single push and each summary
 * takes one; the other notifications of a summary, and those for which no place is left, take none.
 */
export type PushJobs = { jobs: Job[]; pushed: { entry: Entry; isCounted: boolean }[] };

/**
 * Returns the pushes that `plan` and the pace allow. Skips people without a device, and notifications that are hidden
 * from their recipient. Costs as much as showing the recipients' inboxes.
 */
export async function buildJobs(
  env: Env,
  background: Background,
  { due, again }: Plan,
  { devices, recent }: PushState,
  now: number,
): Promise<PushJobs> {
  const dueOf = Map.groupBy(due, ({ recipient }) => recipient);
  const retriesOf = Map.groupBy(again, ({ entry }) => entry.recipient);
  const all = [...Map.groupBy(devices, ({ person }) => person)].map(async ([person, owned]): Promise<PushJobs> => {
    const [fresh, retries] = [dueOf.get(person) ?? [], retriesOf.get(person) ?? []];
    const pushes = await pushesOf(env, background, owned, [...fresh, ...retries.map(({ entry }) => entry)]);
    const visible = fresh.filter((entry) => pushes.has(entry)).sort((a, b) => b.at - a.at);
    const { single, more, inSummary } = paced(visible, ({ isStrange }) => isStrange === 1, recent.get(person) ?? []);
    const summary = more > 0 ? [{ push: await summaryOf(person, more, now), entry: undefined }] : [];
    const toAll = [...single.flatMap((entry) => withPush(pushes, entry)), ...summary];
    return {
      jobs: [
        ...toAll.flatMap((job) => owned.map((device) => ({ ...job, device, attempt: 0 }))),
        ...retries.flatMap(({ entry, endpoint, attempt }) =>
          owned
            .filter((device) => device.endpoint === endpoint)
            .flatMap((device) => withPush(pushes, entry).map((job) => ({ ...job, device, attempt }))),
        ),
      ],
      pushed: visible.map((entry) => ({ entry, isCounted: single.includes(entry) || entry === inSummary })),
    };
  });
  const perPerson = await Promise.all(all);
  return { jobs: perPerson.flatMap(({ jobs }) => jobs), pushed: perPerson.flatMap(({ pushed }) => pushed) };
}

function withPush(pushes: ReadonlyMap<Entry, Push>, entry: Entry): { push: Push; entry: Entry }[] {
  const push = pushes.get(entry);
  return push ? [{ push, entry }] : [];
}

/** Presents the notifications as their recipient would see them in the inbox. One that is hidden there has no push. */
async function pushesOf(
  env: Env,
  background: Background,
  [device]: readonly Device[],
  entries: readonly Entry[],
): Promise<Map<Entry, Push>> {
  if (!device || entries.length === 0) return new Map();
  const { person, session } = device;
  const reader = new Reader(env, background);
  // The state that said so has no bookmark, so decisions about authors with a mark are read again.
  const check = { hasBlocks: entries.some(({ hasBlocks }) => hasBlocks === 1), at: undefined };
  reader.actFor({ person, session }, async () => check);
  const presented = await presentNotifications(reader, entries);
  const pushes = entries.map(async (entry) => {
    const notification = presented.get(entryKey(entry));
    if (!notification) return [];
    const { subject, raised: version, at } = entry;
    return [[entry, await pushOf(person, subject, notification, { version, at })] as const];
  });
  return new Map((await Promise.all(pushes)).flat());
}
