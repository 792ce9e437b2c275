import { z } from "@hono/zod-openapi";
import { MediaId, PostId } from "../ids.ts";

/** One ZIP of an export. Its path stays valid, and names the same posts or files, as long as those exist. */
export const ExportPart = z
  .object({
    kind: z.enum(["data", "files"]),
    name: z.string().openapi({ example: "shutterline-ada-files-1.zip" }),
    path: z.string().openapi({ example: "/v1/me/export/files?after=&upTo=01m3qk7vt4xe9" }),
    files: z.number().int().optional().openapi({ description: "Number of files in a part of files" }),
    bytes: z.number().int().optional().openapi({ description: "Their size" }),
  })
  .openapi("ExportPart");
export type ExportPart = z.infer<typeof ExportPart>;

export const Export = z.object({ parts: z.array(ExportPart) }).openapi("Export");
export type Export = z.infer<typeof Export>;

const boundary = <T extends z.ZodType>(id: T) => z.union([id, z.literal("")]).default("" as never);

/** The posts or files of a part: those with an id above `after` and up to `upTo`. */
export const PostRange = z.object({ after: boundary(PostId), upTo: boundary(PostId) });
export const FileRange = z.object({ after: boundary(MediaId), upTo: boundary(MediaId) });
