import { z } from "@hono/zod-openapi";
import { MediaId } from "../ids.ts";
import { DIRECT_PARTS_MAX } from "../media/upload-limits.ts";
import { Timestamp } from "./common.ts";

export const Quota = z
  .object({
    used: z.number().int().openapi({ description: "Bytes of all originals, with those under way" }),
    limit: z.number().int(),
    unfinished: z.number().int().openapi({ description: "Uploads under way" }),
    unfinishedLimit: z.number().int(),
  })
  .openapi("MediaQuota");

export const BeginDirect = z.object({ bytes: z.number().int().positive() }).openapi("BeginDirectUpload");

export const DirectUpload = z
  .object({
    id: MediaId,
    parts: z.array(
      z.object({
        number: z.number().int(),
        bytes: z.number().int().openapi({ description: "Exactly so many, of the file in its order" }),
        url: z.string().openapi({ description: "To PUT them to. The answer has an ETag." }),
      }),
    ),
    urlsExpireAt: Timestamp,
    expiresAt: Timestamp,
  })
  .openapi("DirectUpload");

export const CompleteDirect = z
  .object({
    parts: z
      .array(z.object({ number: z.number().int().positive(), etag: z.string().min(1).max(200) }))
      .min(1)
      .max(DIRECT_PARTS_MAX),
  })
  .openapi("CompleteDirectUpload");
