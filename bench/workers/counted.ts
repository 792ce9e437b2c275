/**
 * The product with bindings and actors that count calls, and return the counts at TALLIES. It is never timed, because
 * counting is work too. Requests and actors share the isolate here, and with it these tallies.
 */
import { LikeGate as Gate } from "../../durable-objects/post/likes/like-gate.ts";
import { PostActor as Actor } from "../../durable-objects/post/post-actor.ts";
import worker from "../../workers/index.ts";
import { addTo, noTally, TALLIES, type Tallies } from "../costs/tally.ts";
import { wrapCaches } from "./bindings.ts";
import { countedBindings } from "./counted-bindings.ts";

const tallies: Tallies = { request: noTally(), behind: noTally() };
/**
 * A cursor knows its cost once it has been read to the end, so cursors are evaluated when the tallies are requested.
 */
const cursors: SqlStorageCursor<never>[] = [];
const duringRequests = countedBindings(tallies.request);
const behindRequests = countedBindings(tallies.behind);

const COUNTED = { match: "cacheReads", put: "cacheWrites", delete: "cacheWrites" } as const;
wrapCaches((name, go) => {
  addTo(tallies.request, { [COUNTED[name]]: 1 });
  return go();
});

export default {
  fetch(request, env, ctx) {
    if (new URL(request.url).pathname !== TALLIES) return worker.fetch(request, duringRequests(env), ctx);
    for (const { rowsRead, rowsWritten } of cursors.splice(0)) {
      addTo(tallies.behind, { actorRowsRead: rowsRead, actorRowsWritten: rowsWritten });
    }
    const response = Response.json(tallies);
    for (const tally of Object.values(tallies)) Object.assign(tally, noTally());
    return response;
  },

  queue(batch, env, ctx) {
    addTo(tallies.behind, { consumed: 1 });
    return worker.queue(batch, behindRequests(env), ctx);
  },

  // Local sweeps run every 10 s regardless of requests, so they are not counted.
  scheduled: (controller, env) => worker.scheduled(controller, env),
} satisfies ExportedHandler<Env>;

export class LikeGate extends Gate {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, behindRequests(env));
  }
}

export class PostActor extends Actor {
  readonly #count: { rows: number };

  constructor(ctx: DurableObjectState, env: Env) {
    const count = { rows: 0 };
    const { storage } = ctx;
    const exec = storage.sql.exec.bind(storage.sql);
    storage.sql.exec = (query, ...bindings) => {
      const cursor = exec<never>(query, ...bindings);
      count.rows += cursor.rowsWritten; // A write that returns no rows is complete by now.
      cursors.push(cursor);
      return cursor;
    };
    const setAlarm = storage.setAlarm.bind(storage);
    storage.setAlarm = (time) => {
      addTo(tallies.behind, { actorRowsWritten: 1 });
      return setAlarm(time);
    };
    super(ctx, behindRequests(env));
    this.#count = count;
  }

  override alarm(): Promise<void> {
    addTo(tallies.behind, { alarms: 1 });
    return super.alarm();
  }

  /** Returns the rows written since the object was loaded, without those for alarms, which the runtime stores. */
  rowsWritten(): number {
    return this.#count.rows;
  }
}
