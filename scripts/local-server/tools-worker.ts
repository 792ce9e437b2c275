/**
 * A Worker beside the product that runs SQL on its databases and its crons for the local server. Miniflare offers both
 * to Node as well, but there each call blocks Node until workerd has answered. Node must never wait for workerd like
 * that: workerd waits for Node, too, when Node does not read what workerd logs.
 */
import type { Job, StatementResult } from "./tools.ts";

type Prepared = { bind(...values: unknown[]): Prepared };
type Tools = {
  SECRET: string;
  PRODUCT: { scheduled(event: { cron: string; scheduledTime: Date }): Promise<{ outcome: string }> };
  /** The databases: "worker.binding". */
  [database: string]: unknown;
};
type D1 = { prepare(sql: string): Prepared; batch(statements: Prepared[]): Promise<StatementResult[]> };

export default {
  async fetch(request: Request, env: Tools): Promise<Response> {
    if (request.headers.get("authorization") !== env.SECRET) return new Response(null, { status: 403 });
    try {
      return Response.json(await run((await request.json()) as Job, env));
    } catch (error) {
      return new Response(error instanceof Error ? error.message : String(error), { status: 500 });
    }
  },
};

/** Runs a cron and returns its outcome, or runs statements in one transaction and returns their results. */
async function run(job: Job, env: Tools): Promise<unknown> {
  if ("cron" in job) {
    const { outcome } = await env.PRODUCT.scheduled({ cron: job.cron, scheduledTime: new Date() });
    return outcome;
  }
  const database = env[job.database] as D1;
  return await database.batch(job.statements.map(({ sql, values }) => database.prepare(sql).bind(...values)));
}
