/** What every route file starts from: its type of context, and validation that refuses in our own form. */
import { OpenAPIHono, type z } from "@hono/zod-openapi";
import { Problem } from "../../schema/api/common.ts";
import type { Reader } from "../storage/reader.ts";
import type { Viewer } from "../storage/viewer.ts";
import { ApiError } from "../../schema/api/refusals.ts";

/** `reader` is there from the beginning, and knows the viewer as soon as it is known. */
export type App = { Bindings: Env; Variables: { viewer: Viewer | undefined; reader: Reader } };

/** An empty router whose requests are validated against the schemas of its routes. */
export const routes = () =>
  new OpenAPIHono<App>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
      throw new ApiError("invalid_request", errors[0]?.message, errors);
    },
  });

/** Parts of route descriptions, so that each route says only what is its own. */
export const json = <T extends z.ZodType>(schema: T, description = "OK") => ({
  content: { "application/json": { schema } },
  description,
});
export const body = <T extends z.ZodType>(schema: T) => ({
  body: { content: { "application/json": { schema } }, required: true },
});
export const refusals = {
  default: { content: { "application/problem+json": { schema: Problem } }, description: "A refusal" },
} as const;

/** The person who asks, or the refusal `not_signed_in`. */
export function signedIn(c: { var: App["Variables"] }): Viewer {
  if (!c.var.viewer) throw new ApiError("not_signed_in");
  return c.var.viewer;
}
