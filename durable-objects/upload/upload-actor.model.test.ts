/**
 * Random chunks, cuts, repeats and evictions. The model is the number of acknowledged bytes: whatever happens, the
 * upload's offset equals it or, after a cut, is above it, and the finished upload has the bytes of the file.
 */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { MediaId } from "../../schema/ids.ts";
import { PART_BYTES } from "../../schema/media/upload-limits.ts";
import {
  bodyOf,
  type Client,
  digestOf,
  fileOf,
  MP4,
  newClient,
  storedDigest,
} from "../../tests/runtime/media/uploads.ts";

const FILE = fileOf(2 * PART_BYTES + 777_777, MP4);
const DIGEST = await digestOf(FILE);

type Model = { acknowledged: number };
type Real = { client: Client; id: MediaId };
type Step = fc.AsyncCommand<Model, Real>;

const step = (name: string, run: Step["run"]): Step => ({ check: () => true, toString: () => name, run });

// Small chunks, larger ones, and ones at the edge of a part.
const length = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.integer({ min: 200_000, max: 600_000 }),
  fc.integer({ min: PART_BYTES - 2, max: PART_BYTES + 2 }),
);

const sends = length.map((bytes) =>
  step(`send ${bytes}`, async (model, { client, id }) => {
    const end = Math.min(FILE.length, model.acknowledged + bytes);
    const answer = await client.patch(id, model.acknowledged, FILE.slice(model.acknowledged, end));
    expect([answer.status, answer.headers.get("upload-offset")]).toEqual([204, String(end)]);
    model.acknowledged = end;
  }),
);

const breaks = fc.tuple(length, length).map(([bytes, until]) =>
  step(`send ${bytes}, cut at ${until}`, async (model, { client, id }) => {
    const rest = FILE.slice(model.acknowledged, model.acknowledged + bytes);
    await client.patch(id, model.acknowledged, bodyOf(rest, { until: Math.min(until, rest.length) }));
    const offset = await client.offset(id);
    expect(offset).toBeGreaterThanOrEqual(model.acknowledged);
    expect(offset).toBeLessThanOrEqual(model.acknowledged + Math.min(bytes, until));
    model.acknowledged = offset;
  }),
);

const strays = fc.tuple(fc.nat({ max: FILE.length }), length).map(([offset, bytes]) =>
  step(`send ${bytes} at ${offset}`, async (model, { client, id }) => {
    if (offset === model.acknowledged) return;
    expect((await client.patch(id, offset, FILE.slice(0, bytes))).status).toBe(409);
  }),
);

const repeats = length.map((bytes) =>
  step(`send ${bytes} twice at once`, async (model, { client, id }) => {
    const end = Math.min(FILE.length, model.acknowledged + bytes);
    const chunk = FILE.slice(model.acknowledged, end);
    await Promise.all([client.patch(id, model.acknowledged, chunk), client.patch(id, model.acknowledged, chunk)]);
    model.acknowledged = await client.offset(id);
    expect(model.acknowledged).toBeLessThanOrEqual(end);
  }),
);

const evicts = fc.constant(
  step("evict", async (model, { client, id }) => {
    expect(await client.offset(id)).toBe(model.acknowledged);
    if (model.acknowledged < FILE.length) await evictDurableObject(env.UPLOADS.getByName(id));
  }),
);

it("ends with the bytes that were sent, whatever happens in between", async () => {
  const client = await newClient();
  await fc.assert(
    fc.asyncProperty(
      fc.commands([sends, breaks, strays, repeats, evicts], { maxCommands: 10, size: "max" }),
      async (steps) => {
        const id = await client.begun(FILE.length);
        const model: Model = { acknowledged: 0 };
        await fc.asyncModelRun(() => ({ model, real: { client, id } }), steps);
        if (model.acknowledged < FILE.length)
          expect((await client.patch(id, model.acknowledged, FILE.slice(model.acknowledged))).status).toBe(204);
        expect(await storedDigest(id)).toBe(DIGEST);
      },
    ),
    { numRuns: 3 },
  );
});
