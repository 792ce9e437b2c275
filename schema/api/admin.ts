import { z } from "@hono/zod-openapi";
import { PostId } from "../ids.ts";
import { Audit } from "./audit.ts";

/** The most posts that one request audits. */
export const RECONCILED_MAX = 50;

export const Reconcile = z
  .object({
    posts: z.array(PostId).min(1).max(RECONCILED_MAX).optional().openapi({ description: "These; else all, by pages" }),
    cursor: z.string().max(200).optional().openapi({ description: "`next` of the page before" }),
  })
  .openapi("Reconcile");

export const Reconciled = z
  .object({
    items: z.array(z.object({ post: PostId, audit: Audit.optional() })).openapi({
      description: "What was found. What was `different` is being written anew; without an audit there is no such post",
    }),
    next: z.string().optional().openapi({ description: "Absent on the last page" }),
  })
  .openapi("Reconciled");
export type Reconciled = z.infer<typeof Reconciled>;
