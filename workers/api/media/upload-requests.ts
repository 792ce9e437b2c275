/** Checks that apply to every request with a file. */
import type { Context } from "hono";
import { ApiError } from "../../../schema/api/refusals.ts";
import type { App } from "../../http/routes.ts";

/** Rejects compressed bodies, because a small one could expand to any size. */
export function refuseEncoded(c: Context<App>): void {
  const encoding = c.req.header("content-encoding");
  if (encoding !== undefined && encoding !== "identity")
    throw new ApiError("unsupported_type", "Send the file as it is, without Content-Encoding.");
}
