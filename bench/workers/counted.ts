/** The product with an actor that counts the rows it writes. Never the one whose time is taken: counting is work too. */
import { PostActor as Actor } from "../../durable-objects/post-actor.ts";

export { LikeGate } from "../../durable-objects/like-gate.ts";
export { default } from "../../workers/index.ts";

export class PostActor extends Actor {
  readonly #count: { rows: number };

  constructor(ctx: DurableObjectState, env: Env) {
    const count = { rows: 0 };
    const { sql } = ctx.storage;
    const exec = sql.exec.bind(sql);
    sql.exec = (query, ...bindings) => {
      const cursor = exec<never>(query, ...bindings);
      count.rows += cursor.rowsWritten; // A write that answers no rows is over by now.
      return cursor;
    };
    super(ctx, env);
    this.#count = count;
  }

  /** In this life of the object, without those of its alarms, which the runtime keeps. */
  rowsWritten(): number {
    return this.#count.rows;
  }
}
