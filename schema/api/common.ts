import { z } from "@hono/zod-openapi";

export const PAGE_MAX = 50;
export const PAGE_DEFAULT = 20;

/** Query parameters of every list. `next` of one page is the `cursor` of the following page. */
export const PageQuery = z.object({
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
});
export type PageQuery = z.infer<typeof PageQuery>;

/** Schema of one page of a list of `item`. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    next: z.string().optional().openapi({ description: "Cursor of the next page; absent on the last page" }),
  });

/** RFC 9457. `code` is stable; `detail` is for people and may change. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    limit: z.string().optional().openapi({ description: "The limit that was reached, as in `RateLimit`" }),
    requestId: z.string(),
  })
  .openapi("Problem");
export type Problem = z.infer<typeof Problem>;

export const Timestamp = z.iso.datetime().openapi({ example: "2026-11-22T10:00:00.000Z" });

/** How long an idempotency key is remembered, in ms. */
export const IDEMPOTENCY_KEY_LASTS = 24 * 3_600_000;

/** Header of create requests. Repeating a request with the same key within a day creates nothing a second time. */
export const IdempotencyKey = z.object({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/, { error: "Must be 1 to 64 printable ASCII characters" })
    .optional()
    .openapi({ example: "0b8f1a52-7c3e-4c55-9a51-2f1f3c0b9a77" }),
});
