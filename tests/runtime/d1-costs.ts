import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { databases } from "../../schema/d1/shards.ts";

/** `queries`: statements. `calls`: of databases; what runs in one batch is one. */
export type D1Costs = { queries: string[]; calls: number; rowsRead: number; rowsWritten: number };

/** What `run` costs at D1, primaries and replicas alike. Of rows, only those of batches are counted. */
export async function d1Costs(run: () => Promise<unknown>): Promise<D1Costs> {
  const costs: D1Costs = { queries: [], calls: 0, rowsRead: 0, rowsWritten: 0 };
  const spies = databases(env).flatMap((database) => {
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

/** What `run` costs when it has just been run: whatever is kept for a moment is there. */
export async function warmD1Costs(run: () => Promise<unknown>): Promise<D1Costs> {
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] }); // However slow the machine, no moment passes.
  try {
    await run();
    return await d1Costs(run);
  } finally {
    vi.useRealTimers();
  }
}

/** What an isolate writes of itself now and then belongs to nobody's work. */
const OF_MEASURES = /^\s*INSERT INTO measures/;

function watched(database: D1Database | D1DatabaseSession, costs: D1Costs) {
  const prepare = database.prepare.bind(database);
  const batch = database.batch.bind(database);
  return [
    vi.spyOn(database, "prepare").mockImplementation((sql) => {
      if (!OF_MEASURES.test(sql)) costs.queries.push(sql);
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
