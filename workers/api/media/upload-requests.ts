/** What is true of every request that carries a file. */
import type { Context } from "hono";
import { ApiError } from "../../../schema/api/refusals.ts";
import type { App } from "../../http/routes.ts";

/** A body that is packed is never unpacked: a small one could become one of any size. */
export function refuseEncoded(c: Context<App>): void {
  const encoding = c.req.header("content-encoding");
  if (encoding !== undefined && encoding !== "identity")
    throw new ApiError("unsupported_type", "A file is sent as it is, without Content-Encoding");
}
