/** What inspection finds in a file, as it is stored beside it (JSON) and shown to its owner. */
import { z } from "@hono/zod-openapi";

/** What a file had with it and no served byte has. */
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
]);
export type Removed = z.infer<typeof Removed>;

export const VideoDetails = z.object({
  /** As of RFC 6381, where the file tells: "avc1.64001f". */
  codec: z.string(),
  frameRate: z.number().nullable().openapi({ description: "Frames a second, on average" }),
  /** Clockwise, in degrees, as the file asks for it: the player turns it. */
  rotation: z.number(),
  /** Of the original; what is served always begins with its index. */
  fastStart: z.boolean(),
  audio: z.object({ codec: z.string(), channels: z.number(), sampleRate: z.number() }).nullable(),
  durationMs: z.number().int(),
});
export type VideoDetails = z.infer<typeof VideoDetails>;

export const MediaDetails = z.object({
  /** The EXIF orientation (1 to 8) of the original; what is served is upright. */
  orientation: z.number().int().optional(),
  takenAt: z.string().optional().openapi({ description: "The camera's local time: 2026-05-01T12:00:00" }),
  takenOffset: z.string().optional().openapi({ description: "Its distance from UTC, where the camera tells: +02:00" }),
  camera: z.string().optional(),
  lens: z.string().optional(),
  colorProfile: z.string().optional().openapi({ description: "As the file names it: Display P3" }),
  /** Of an animation; a still has none. */
  frames: z.number().int().optional(),
  video: VideoDetails.optional(),
  thumbhash: z.string().optional().openapi({ description: "Base64: https://evanw.github.io/thumbhash" }),
  removed: z.array(Removed).optional(),
  /** How often its owner has had it inspected again, while it is rejected. */
  retries: z.number().int().optional(),
});
export type MediaDetails = z.infer<typeof MediaDetails>;
