import { z } from "@hono/zod-openapi";
import { PostId } from "../ids.ts";
import { Audit } from "./audit.ts";

/** The most posts that one request may name. */
export const RECONCILED_MAX = 50;

export const Reconcile = z
  .object({
    posts: z
      .array(PostId)
      .min(1)
      .max(RECONCILED_MAX)
      .optional()
      .openapi({ description: "Audits only these posts; by default all, page by page" }),
    cursor: z.string().max(200).optional().openapi({ description: "`next` of the previous page" }),
  })
  .openapi("Reconcile");

export const Reconciled = z
  .object({
    items: z.array(z.object({ post: PostId, audit: Audit.optional() })).openapi({
      description:
        "The audited posts. A `different` projection is already being rewritten. No `audit`: the post does not exist",
    }),
    next: z.string().optional().openapi({ description: "The `cursor` of the next page; absent on the last page" }),
  })
  .openapi("Reconciled");
export type Reconciled = z.infer<typeof Reconciled>;
