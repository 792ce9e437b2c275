/** Keeps work going after the response. Hono's `executionCtx` is one. */
export type Background = Pick<ExecutionContext, "waitUntil">;
