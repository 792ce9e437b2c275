import { z } from "@hono/zod-openapi";
import { MediaId } from "../ids.ts";
import { ALT, text } from "../text.ts";
import { Timestamp } from "./common.ts";

/** The widths of the renditions, in pixels. A picture that is narrower keeps its own width. */
export const WIDTHS = [320, 640, 1080] as const;
export const Variant = z.enum(["w320", "w640", "w1080"]);
export type Variant = z.infer<typeof Variant>;

export const Urls = z.record(Variant, z.string()).openapi("Urls");

/** An upload, as its owner sees it. Sizes in pixels, upright. */
export const Media = z
  .object({
    id: MediaId,
    state: z.enum(["uploading", "uploaded", "ready", "rejected"]),
    rejection: z.object({ code: z.string(), detail: z.string() }).optional(),
    contentType: z.string(),
    bytes: z.number().int(),
    width: z.number().int().optional(),
    height: z.number().int().optional(),
    takenAt: z.string().optional().openapi({ description: "The camera's local time, which has no zone" }),
    camera: z.string().optional(),
    alt: z.string(),
    urls: Urls.optional(),
    createdAt: Timestamp,
  })
  .openapi("Media");
export type Media = z.infer<typeof Media>;

export const EditMedia = z.object({ alt: text(ALT) }).openapi("EditMedia");
