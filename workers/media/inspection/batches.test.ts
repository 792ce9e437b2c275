import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Media } from "../../../schema/api/media.ts";
import type { InspectEffect } from "../../../schema/messages/effects.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { d1Costs } from "../../../tests/runtime/stores/d1-costs.ts";
import { deliver } from "../../../tests/runtime/world/dead-letters.ts";
import { requestAs, codeOf, effectOf, inspected, png, upload } from "../../../tests/runtime/media/media.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { originalKey } from "../files/objects.ts";
import { consumeInspections, inspectMedia } from "./inspect.ts";

const QUEUE = "shutterline-inspections";

beforeEach(() => {
  for (const method of ["error", "warn"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Uploads files of one person, and returns their pending inspections. */
async function waiting(files: readonly ArrayBuffer[]) {
  const owner = newPerson();
  const effects = await Promise.all(
    files.map(async (file) => effectOf((await (await upload(owner, file)).json<Media>()).id)),
  );
  return { owner, effects };
}

const stateOf = async ({ media }: InspectEffect) =>
  d1Of(env, media).prepare("SELECT state FROM media WHERE id = ?").bind(media).first("state");

const attemptsAt = async ({ id }: InspectEffect) =>
  d1Of(env, id).prepare("SELECT attempts FROM effects WHERE id = ?").bind(id).first("attempts");

/** Returns a bucket that fails for the original of one file, and passes each key that is read to `tell`. */
const without = ({ media }: InspectEffect, tell = (_key: string): void => undefined) =>
  ({
    get: (key: string, options?: R2GetOptions) => {
      tell(key);
      return key === originalKey(media) ? Promise.reject(new Error("no such bucket")) : env.MEDIA.get(key, options);
    },
    put: env.MEDIA.put.bind(env.MEDIA),
    head: env.MEDIA.head.bind(env.MEDIA),
    list: env.MEDIA.list.bind(env.MEDIA),
    delete: env.MEDIA.delete.bind(env.MEDIA),
  }) as unknown as R2Bucket;

it("settles each file of a batch independently", async () => {
  const good = await png(4, 3);
  const { effects } = await waiting([good, await png(1, 1, { width: 0, height: 1 }), good, good]);
  const [first, damaged, unlucky, last] = effects as [InspectEffect, InspectEffect, InspectEffect, InspectEffect];
  const failing = { ...env, MEDIA: without(unlucky) };

  const { acks, retries } = await deliver(QUEUE, effects, (batch) => consumeInspections(batch, failing));

  expect([acks, retries.map(({ msgId }) => msgId)]).toEqual([["0", "1", "3"], ["2"]]);
  expect(await Promise.all([first, damaged, unlucky, last].map(stateOf))).toEqual([
    "ready",
    "rejected",
    "uploaded",
    "ready",
  ]);
});

it("reads a batch in one query, and writes verdicts that arrive together in one call", async () => {
  const file = await png(4, 3);
  const calls: number[] = [];
  // Three times, because actors of other tests may call D1 at the same time.
  for (let turn = 0; turn < 3; turn += 1) {
    const { effects } = await waiting([file, file, file, file, file, file]);
    const costs = await d1Costs(() => deliver(QUEUE, effects, (batch) => consumeInspections(batch, env)));
    expect(await Promise.all(effects.map(stateOf))).toEqual(effects.map(() => "ready"));
    expect(costs.queries.filter((sql) => sql.includes('AS "contentType"'))).toHaveLength(1);
    calls.push(costs.calls);
  }
  expect(Math.min(...calls)).toBeLessThan(6); // How many arrive together depends on the decoder.
});

it("inspects a redelivered batch one by one, fewest attempts first, and counts each attempt", async () => {
  const file = await png(4, 3);
  const { effects } = await waiting([file, file, file]);
  const [often, seldom, never] = effects as [InspectEffect, InspectEffect, InspectEffect];
  const tried = (effect: InspectEffect, times: number) =>
    d1Of(env, effect.id).prepare("UPDATE effects SET attempts = ? WHERE id = ?").bind(times, effect.id).run();
  await Promise.all([tried(often, 2), tried(seldom, 1)]);
  const order: string[] = [];
  const tell = (key: string) => {
    const at = effects.findIndex(({ media }) => key === originalKey(media));
    if (at >= 0 && order.at(-1) !== String(at)) order.push(String(at));
  };
  const failing = { ...env, MEDIA: without(often, tell) };

  const { retries } = await deliver(QUEUE, effects, (batch) => consumeInspections(batch, failing), 2);

  expect(order).toEqual(["2", "1", "0"]);
  expect(retries.map(({ msgId }) => msgId)).toEqual(["0"]);
  expect([await attemptsAt(often), await stateOf(seldom), await stateOf(never)]).toEqual([3, "ready", "ready"]);
});

const again = (owner: Parameters<typeof requestAs>[0], { media }: Pick<InspectEffect, "media">) =>
  requestAs(owner, `/v1/media/${media}/inspection`, { method: "POST" });

it("inspects a file again for its owner when the result may differ", async () => {
  const { owner, effects } = await waiting([await png(4, 3)]);
  const [effect] = effects as [InspectEffect];
  await d1Of(env, effect.id).prepare("UPDATE effects SET attempts = 7 WHERE id = ?").bind(effect.id).run();
  await inspectMedia(env, effect);
  expect(await (await requestAs(owner, `/v1/media/${effect.media}`)).json()).toMatchObject({
    rejection: { code: "inspection_failed", mayRetry: true },
  });

  expect((await again(newPerson(), effect)).status).toBe(404);
  for (const answer of await Promise.all([again(owner, effect), again(owner, effect)])) {
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ state: "uploaded" });
  }
  await inspectMedia(env, await effectOf(effect.media));

  const media = await (await requestAs(owner, `/v1/media/${effect.media}`)).json<Media>();
  expect(media).toMatchObject({ state: "ready", width: 4 });
  expect(media.details?.retries).toBeUndefined();
});

it("does not inspect a damaged file again, nor any file more than three times", async () => {
  const owner = newPerson();
  const damaged = await inspected(owner, await png(1, 1, { width: 0, height: 1 }));
  const answer = await again(owner, { media: damaged.id });
  expect([answer.status, await codeOf(answer)]).toEqual([409, "not_inspected_again"]);

  const { effects, ...by } = await waiting([await png(4, 3)]);
  const [effect] = effects as [InspectEffect];
  const answers: number[] = [];
  for (let time = 0; time < 4; time += 1) {
    await d1Of(env, effect.media)
      .prepare("UPDATE media SET state = 'rejected', rejection = 'inspection_failed' WHERE id = ?")
      .bind(effect.media)
      .run();
    answers.push((await again(by.owner, effect)).status);
  }
  expect(answers).toEqual([202, 202, 202, 409]);
});
