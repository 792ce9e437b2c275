/** The base of every route file: the context type, and validation that fails with our own problem details. */
import { OpenAPIHono, type z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Problem } from "../../schema/api/common.ts";
import type { Reader } from "../storage/reader.ts";
import type { Viewer } from "../storage/viewer.ts";
import { Refusal } from "../../schema/api/refusals.ts";

/** `reader` is set before any route runs, and knows the viewer. */
export type App = { Bindings: Env; Variables: { reader: Reader } };

/** Returns an empty router that validates requests against the schemas of its routes. */
export const routes = () =>
  new OpenAPIHono<App>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
      throw new Refusal("invalid_request", errors[0]?.message, errors);
    },
  });

/** Describes a JSON response. This and the next two keep route descriptions short. */
export const json = <T extends z.ZodType>(schema: T, description = "OK") => ({
  content: { "application/json": { schema } },
  description,
});
export const body = <T extends z.ZodType>(schema: T) => ({
  body: { content: { "application/json": { schema } }, required: true },
});
export const refusals = {
  default: { content: { "application/problem+json": { schema: Problem } }, description: "A problem" },
} as const;

/** Returns the signed-in viewer once their session is known to be valid, or throws `not_signed_in`. */
export async function requireViewer(c: { var: App["Variables"] }): Promise<Viewer> {
  const viewer = await c.var.reader.confirmedViewer();
  if (!viewer) throw new Refusal("not_signed_in");
  return viewer;
}

/**
 * Throws `not_signed_in` for a wrong `Authorization`. For what anybody may do, before it changes something: the session is
 * checked while a route runs.
 */
export async function refuseWrongToken(c: Context<App>): Promise<void> {
  if (c.req.header("authorization") !== undefined) await requireViewer(c);
}

/**
 * Returns the viewer the request claims to act for, or throws `not_signed_in`. Their session is being checked, so
 * this is only for reading: the response leaves once the check has succeeded.
 */
export function claimedViewer(c: { var: App["Variables"] }): Viewer {
  const { viewer } = c.var.reader;
  if (!viewer) throw new Refusal("not_signed_in");
  return viewer;
}
