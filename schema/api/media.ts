import { z } from "@hono/zod-openapi";
import { MediaId } from "../ids.ts";
import { MediaDetails } from "../media/media-details.ts";
import { ALT, text } from "../text.ts";
import { Timestamp } from "./common.ts";

/** The widths of the renditions, in pixels. A picture that is narrower keeps its own width. */
export const WIDTHS = [320, 640, 1080] as const;
/** The side of the square thumbnail, in pixels; smaller if the picture is. */
export const THUMB = 320;
export const Variant = z.enum(["w320", "w640", "w1080", "thumb"]);
export type Variant = z.infer<typeof Variant>;

export const Urls = z.record(Variant, z.string()).openapi("Urls", {
  description:
    "Where the renditions are; of a video, those of its poster. AVIF, WebP or JPEG, as the client accepts. An address with " +
    "a query is for the caller alone, and lasts for half an hour or more: read the post again after it.",
});
export type Urls = z.infer<typeof Urls>;

const place = {
  urls: Urls.optional().openapi({ description: "Absent of a video without a poster" }),
};

/** A picture or video as everybody sees it who may. Sizes in pixels, upright. */
export const ShownMedia = z
  .object({
    id: MediaId,
    width: z.number(),
    height: z.number(),
    alt: z.string(),
    thumbhash: z.string().optional().openapi({ description: "Base64: https://evanw.github.io/thumbhash" }),
    ...place,
    video: z
      .object({
        url: z.string(),
        contentType: z.string(),
        durationMs: z.number().int(),
        hasAudio: z.boolean(),
      })
      .optional()
      .openapi({ description: "Of a video alone" }),
  })
  .openapi("ShownMedia");
export type ShownMedia = z.infer<typeof ShownMedia>;

/** An upload, as its owner sees it. Sizes in pixels, upright. */
export const Media = z
  .object({
    id: MediaId,
    state: z.enum(["uploading", "uploaded", "ready", "rejected"]),
    rejection: z
      .object({
        code: z.string(),
        detail: z.string(),
        mayRetry: z.boolean().openapi({ description: "Whether inspecting it again may end otherwise" }),
      })
      .optional(),
    contentType: z.string(),
    bytes: z.number().int(),
    width: z.number().int().optional(),
    height: z.number().int().optional(),
    details: MediaDetails.optional(),
    alt: z.string(),
    ...place,
    videoUrl: z.string().optional(),
    createdAt: Timestamp,
    keptUntil: Timestamp.optional().openapi({ description: "When it is deleted, unless it is published before" }),
  })
  .openapi("Media");
export type Media = z.infer<typeof Media>;

export const EditMedia = z.object({ alt: text(ALT) }).openapi("EditMedia");
