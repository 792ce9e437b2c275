/**
 * The product with bindings and actors that count what they are asked for, and tell it at TALLIES. Never the one whose time
 * is taken: counting is work too. Requests and actors share the isolate here, and so these tallies.
 */
import { LikeGate as Gate } from "../../durable-objects/post/likes/like-gate.ts";
import { PostActor as Actor } from "../../durable-objects/post/post-actor.ts";
import worker from "../../workers/index.ts";
import { addTo, noTally, TALLIES, type Tallies, type Tally } from "../tally.ts";
import { countedBindings } from "./counted-bindings.ts";

const tallies: Tallies = { request: noTally(), behind: noTally() };
/** A cursor knows what it has cost when it is read to its end, so they are asked when the tallies are. */
const cursors: SqlStorageCursor<never>[] = [];
const duringRequests = countedBindings(tallies.request);
const behindRequests = countedBindings(tallies.behind);

countCache("match", "cacheReads");
countCache("put", "cacheWrites");
countCache("delete", "cacheWrites");

/** Of every cache there is: their methods lie on their class. */
function countCache(name: "match" | "put" | "delete", kind: keyof Tally): void {
  const methods = Object.getPrototypeOf(caches.default) as Record<typeof name, (...values: unknown[]) => unknown>;
  const method = methods[name];
  methods[name] = function (this: Cache, ...values) {
    addTo(tallies.request, { [kind]: 1 });
    return method.apply(this, values);
  };
}

export default {
  fetch(request, env, ctx) {
    if (new URL(request.url).pathname !== TALLIES) return worker.fetch(request, duringRequests(env), ctx);
    for (const { rowsRead, rowsWritten } of cursors.splice(0)) {
      addTo(tallies.behind, { actorRowsRead: rowsRead, actorRowsWritten: rowsWritten });
    }
    const answer = Response.json(tallies);
    for (const tally of Object.values(tallies)) Object.assign(tally, noTally());
    return answer;
  },

  queue(batch, env, ctx) {
    addTo(tallies.behind, { consumed: 1 });
    return worker.queue(batch, behindRequests(env), ctx);
  },

  // Local sweeps come every 10 s whatever is asked, so they are no part of it.
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
      count.rows += cursor.rowsWritten; // A write that answers no rows is over by now.
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

  /** In this life of the object, without those of its alarms, which the runtime keeps. */
  rowsWritten(): number {
    return this.#count.rows;
  }
}
