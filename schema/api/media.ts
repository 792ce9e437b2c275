import { z } from "@hono/zod-openapi";
import { MediaId } from "../ids.ts";
import { MediaDetails, PixelArt } from "../media/media-details.ts";
import { WIDTH_NAMES } from "../media/renditions.ts";
import { type Square, SQUARES } from "../media/squares.ts";
import { ALT, text } from "../text.ts";
import { Timestamp } from "./common.ts";

export const Variant = z.enum([...WIDTH_NAMES, "thumb"]);
export type Variant = z.infer<typeof Variant>;
/** Everything that is served of a picture. */
export type Rendition = Variant | Square;
export const isSquare = (name: string): name is Square => SQUARES.some((square) => square === name);

export const Urls = z.record(Variant, z.string()).openapi("Urls", {
  description:
    "URLs of the renditions; for a video, of its poster. `w640` is 640 pixels wide, or as wide as a narrower picture. A " +
    "picture more than 2.5 times as wide as high, or as high as wide, keeps the area that it has at that ratio: a panorama " +
    "of 12000 by 1000 is 1402 by 117 as `w640`. `thumb` is a square of 320 pixels, cropped. `w1600` and `w2048` are made " +
    "when they are first requested; where they would be no wider than a smaller rendition, and for a video, they have its " +
    "URL. `Accept` selects AVIF, WebP or JPEG. A URL with a query string is signed for the viewer alone and is valid for " +
    "at least half an hour: read the post again after that.",
});
export type Urls = z.infer<typeof Urls>;

export const MovingPicture = z
  .object({
    url: z.string(),
    contentType: z.string().openapi({ description: "Not negotiated: every client gets this type" }),
    frames: z.number().int(),
  })
  .openapi("MovingPicture", {
    description:
      "The picture as it moves, at its own width. Absent for a still. `urls` show its first frame: show that one where " +
      "motion is unwanted (`prefers-reduced-motion`), out of view, and until the moving one has loaded",
  });
export type MovingPicture = z.infer<typeof MovingPicture>;

const renditions = {
  urls: Urls.optional().openapi({ description: "Absent for a video without a poster" }),
  moving: MovingPicture.optional(),
};

/** A picture or video as its viewers see it. Width and height are in pixels, of the upright picture. */
export const ShownMedia = z
  .object({
    id: MediaId,
    width: z.number(),
    height: z.number(),
    alt: z.string(),
    thumbhash: z.string().optional().openapi({ description: "ThumbHash in base64: https://evanw.github.io/thumbhash" }),
    pixelArt: PixelArt.optional(),
    ...renditions,
    video: z
      .object({
        url: z.string(),
        contentType: z.string(),
        durationMs: z.number().int(),
        hasAudio: z.boolean(),
      })
      .optional()
      .openapi({ description: "Present only for a video" }),
  })
  .openapi("ShownMedia");
export type ShownMedia = z.infer<typeof ShownMedia>;

/** An upload as its owner sees it. Width and height are in pixels, of the upright picture. */
export const Media = z
  .object({
    id: MediaId,
    state: z.enum(["uploading", "uploaded", "ready", "rejected"]),
    rejection: z
      .object({
        code: z.string(),
        detail: z.string(),
        mayRetry: z.boolean().openapi({ description: "Whether another inspection may succeed" }),
      })
      .optional(),
    contentType: z.string(),
    bytes: z.number().int(),
    width: z.number().int().optional(),
    height: z.number().int().optional(),
    details: MediaDetails.optional(),
    alt: z.string(),
    ...renditions,
    videoUrl: z.string().optional(),
    createdAt: Timestamp,
    keptUntil: Timestamp.optional().openapi({ description: "When the upload is deleted unless it is published first" }),
  })
  .openapi("Media");
export type Media = z.infer<typeof Media>;

/** The profile picture of the viewer. */
export const ProfilePicture = z.object({ media: MediaId }).openapi("ProfilePicture");

export const EditMedia = z.object({ alt: text(ALT) }).openapi("EditMedia");
