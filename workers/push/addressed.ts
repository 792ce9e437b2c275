/** What is to be pushed, and to which devices. */
import { entryKey } from "../notifications/inbox.ts";
import { presentNotifications } from "../notifications/present-notifications.ts";
import { Reader } from "../storage/reader.ts";
import type { Background } from "../../schema/background.ts";
import type { Job } from "./jobs.ts";
import { paced } from "./pace.ts";
import type { Plan } from "./plan.ts";
import type { Device, Entry, Standing } from "./standing.ts";
import { type Push, pushOf, summaryOf } from "./words.ts";

/**
 * `pushed`: the entries that need no push any more as they stand. `isCounted`: it is one of those that a person gets in a
 * minute, and not one that a summary tells of with others, or that found no place.
 */
export type Addressed = { jobs: Job[]; pushed: { entry: Entry; isCounted: boolean }[] };

/** Nothing for who has no device, nor what they would not find in their inbox. Costs what their inboxes cost to show. */
export async function addressed(
  env: Env,
  background: Background,
  { due, again }: Plan,
  { devices, recent }: Standing,
  now: number,
): Promise<Addressed> {
  const newsOf = Map.groupBy(due, ({ recipient }) => recipient);
  const repeatsOf = Map.groupBy(again, ({ entry }) => entry.recipient);
  const all = [...Map.groupBy(devices, ({ person }) => person)].map(async ([person, theirs]): Promise<Addressed> => {
    const [news, repeats] = [newsOf.get(person) ?? [], repeatsOf.get(person) ?? []];
    const pushes = await pushesOf(env, background, theirs, [...news, ...repeats.map(({ entry }) => entry)]);
    const shown = news.filter((entry) => pushes.has(entry)).sort((a, b) => b.at - a.at);
    const { single, more } = paced(shown, recent.get(person) ?? 0);
    const summary = more > 0 ? [{ push: await summaryOf(person, more, now), entry: undefined }] : [];
    const toAll = [...single.flatMap((entry) => withPush(pushes, entry)), ...summary];
    return {
      jobs: [
        ...toAll.flatMap((job) => theirs.map((device) => ({ ...job, device, attempt: 0 }))),
        ...repeats.flatMap(({ entry, endpoint, attempt }) =>
          theirs
            .filter((device) => device.endpoint === endpoint)
            .flatMap((device) => withPush(pushes, entry).map((job) => ({ ...job, device, attempt }))),
        ),
      ],
      pushed: shown.map((entry, place) => ({
        entry,
        isCounted: place < single.length || (more > 0 && place === single.length),
      })),
    };
  });
  const parts = await Promise.all(all);
  return { jobs: parts.flatMap(({ jobs }) => jobs), pushed: parts.flatMap(({ pushed }) => pushed) };
}

function withPush(pushes: ReadonlyMap<Entry, Push>, entry: Entry): { push: Push; entry: Entry }[] {
  const push = pushes.get(entry);
  return push ? [{ push, entry }] : [];
}

/** Presented as to whoever uses these devices: what is hidden from them in the inbox has no push. */
async function pushesOf(
  env: Env,
  background: Background,
  [device]: readonly Device[],
  entries: readonly Entry[],
): Promise<Map<Entry, Push>> {
  if (!device || entries.length === 0) return new Map();
  const { person, session } = device;
  const reader = new Reader(env, background);
  reader.viewer = { person, session, hasBlocks: entries.some(({ hasBlocks }) => hasBlocks === 1) };
  const told = await presentNotifications(reader, entries);
  const pushes = entries.map(async (entry) => {
    const notification = told.get(entryKey(entry));
    if (!notification) return [];
    const { subject, raised: version, at } = entry;
    return [[entry, await pushOf(person, subject, notification, { version, at })] as const];
  });
  return new Map((await Promise.all(pushes)).flat());
}
