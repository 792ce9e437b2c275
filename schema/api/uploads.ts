import { z } from "@hono/zod-openapi";
import { MediaId } from "../ids.ts";
import { DIRECT_PARTS_MAX } from "../media/upload-limits.ts";
import { Timestamp } from "./common.ts";

export const Quota = z
  .object({
    used: z
      .number()
      .int()
      .openapi({
        description:
          "Bytes of all originals and posters, including uploads under way, and of what is made of them to be served: the " +
          "pictures in all sizes and formats, and the copies of videos. Most is made before a file is `ready`, the larger " +
          "sizes and other formats when somebody first requests them. So it grows with what readers see, and may exceed " +
          "`limit`, which refuses uploads alone",
      }),
    limit: z.number().int(),
    unfinished: z.number().int().openapi({ description: "Number of uploads under way" }),
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
        bytes: z
          .number()
          .int()
          .openapi({ description: "Exact size of the part. The parts follow each other in the file" }),
        url: z
          .string()
          .openapi({ description: "PUT the bytes of the part to this URL and keep the `ETag` of the response" }),
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
