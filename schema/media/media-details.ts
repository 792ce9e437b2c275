/** The results of an inspection, as stored with the file (JSON) and shown to its owner. */
import { z } from "@hono/zod-openapi";

/** Things that the original contained and no served byte contains. */
export const Removed = z.enum([
  "exif",
  "gps",
  "xmp",
  "iptc",
  "maker_notes",
  "thumbnail",
  "comment",
  "trailer",
  "motion_video",
  "location",
  "metadata",
  "other_tracks",
  "cut_parts",
  "hdr",
]);
export type Removed = z.infer<typeof Removed>;

/** What became of the motion of a moving picture: it is kept, or why only the first frame is shown. */
export const Motion = z.enum([
  "kept",
  "too_many_frames",
  "too_many_pixels",
  "too_large",
  /** EXIF turns the picture, and its frames cannot be turned. */
  "turned",
  /** A sequence of AVIF or HEIC pictures. */
  "unsupported",
]);
export type Motion = z.infer<typeof Motion>;

export const VideoDetails = z.object({
  /** In the format of RFC 6381 if the file has the parameters: "avc1.64001f". */
  codec: z.string(),
  frameRate: z.number().nullable().openapi({ description: "Average frames per second" }),
  /** Clockwise rotation in degrees that the player must apply, as given in the file. */
  rotation: z.number(),
  /** Whether the original begins with its index. The served copy always does. */
  fastStart: z.boolean(),
  audio: z.object({ codec: z.string(), channels: z.number(), sampleRate: z.number() }).nullable(),
  durationMs: z.number().int().openapi({ description: "How long the served copy plays" }),
  hiddenBeforeMs: z
    .number()
    .int()
    .optional()
    .openapi({
      description:
        "How much of what its owner cut away before the start the served file still contains, hidden by its edit list: " +
        "decoding must begin at a key frame. Absent if nothing remains",
    }),
  hiddenAfterMs: z.number().int().optional().openapi({
    description: "The same behind the end: frames that earlier ones refer to. Absent if nothing remains",
  }),
});
export type VideoDetails = z.infer<typeof VideoDetails>;

/** Set for a small picture of few colours, which is not to be smoothed when it is enlarged. */
export const PixelArt = z.literal(true).openapi({ description: "Pixel art: not to be smoothed when it is enlarged" });

export const MediaDetails = z.object({
  /** EXIF orientation (1 to 8) of the original. The served renditions are upright. */
  orientation: z.number().int().optional(),
  takenAt: z.string().optional().openapi({ description: "The camera's local time: 2026-05-01T12:00:00" }),
  takenOffset: z.string().optional().openapi({ description: "The camera's offset from UTC, if recorded: +02:00" }),
  camera: z.string().optional(),
  lens: z.string().optional(),
  colorProfile: z.string().optional().openapi({ description: "Name of the colour profile in the file: Display P3" }),
  /** Number of frames of an animation; absent for a still picture. */
  frames: z.number().int().optional(),
  motion: Motion.optional().openapi({
    description:
      "Present for an animation. `kept`: it is shown moving (`moving`). Otherwise only its first frame is shown, " +
      "because it has too many frames, too many pixels in all of them or too many bytes, is turned by its EXIF " +
      "orientation, or is of a type that is not served moving.",
  }),
  pixelArt: PixelArt.optional(),
  video: VideoDetails.optional(),
  thumbhash: z.string().optional().openapi({ description: "ThumbHash in base64: https://evanw.github.io/thumbhash" }),
  removed: z.array(Removed).optional(),
  /** How often the owner has retried the inspection, while the file is rejected. */
  retries: z.number().int().optional(),
});
export type MediaDetails = z.infer<typeof MediaDetails>;
