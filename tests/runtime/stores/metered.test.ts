import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { MAP_LEASE, refreshShardMap } from "../../../schema/d1/shards.ts";
import { metered } from "./metered.ts";

it("counts queries and batches, but not the reads of the shard map", async () => {
  const { env: counted, meter } = metered(env);
  vi.useFakeTimers({ now: Date.now() + MAP_LEASE, toFake: ["Date"] });
  await refreshShardMap(counted);
  vi.useRealTimers();
  expect(meter.queries).toBe(0);
  await counted.DB.prepare("SELECT ?").bind(1).first();
  await counted.DB.withSession().batch([counted.DB.prepare("SELECT 1"), counted.DB.prepare("SELECT 2")]);
  expect(meter.queries).toBe(2);
});
