import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { allD1 } from "./d1.ts";
import { OF_ISOLATE } from "./metered.ts";

/** `queries` holds the statements. `calls` counts calls to databases, where a batch is one. */
export type D1Costs = { queries: string[]; calls: number; rowsRead: number; rowsWritten: number };

/** Measures the D1 costs of `run`, on primaries and replicas. Counts only rows of batches. */
export async function d1Costs(run: () => Promise<unknown>): Promise<D1Costs> {
  const costs: D1Costs = { queries: [], calls: 0, rowsRead: 0, rowsWritten: 0 };
  const spies = allD1(env).flatMap((database) => {
    const withSession = database.withSession.bind(database);
    return [
      ...watched(database, costs),
      vi.spyOn(database, "withSession").mockImplementation((constraint) => {
        const session = withSession(constraint);
        watched(session, costs);
        return session;
      }),
    ];
  });
  await run();
  for (const spy of spies) spy.mockRestore();
  return costs;
}

/** Measures the D1 costs of `run` right after it has run once, with all caches warm. */
export async function warmD1Costs(run: () => Promise<unknown>): Promise<D1Costs> {
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] }); // Nothing expires, however slow the machine.
  try {
    await run();
    return await d1Costs(run);
  } finally {
    vi.useRealTimers();
  }
}

function watched(database: D1Database | D1DatabaseSession, costs: D1Costs) {
  const prepare = database.prepare.bind(database);
  const batch = database.batch.bind(database);
  return [
    vi.spyOn(database, "prepare").mockImplementation((sql) => {
      if (!OF_ISOLATE.test(sql)) costs.queries.push(sql);
      return prepare(sql);
    }),
    vi.spyOn(database, "batch").mockImplementation(async (statements) => {
      costs.calls += 1;
      const results = await batch(statements);
      for (const { meta } of results) {
        costs.rowsRead += meta.rows_read;
        costs.rowsWritten += meta.rows_written;
      }
      return results;
    }),
  ];
}
