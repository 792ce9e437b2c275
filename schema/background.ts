/** Lets work go on after the response. Hono's `executionCtx` is one. */
export type Background = Pick<ExecutionContext, "waitUntil">;
