import type { Media } from "../../schema/api/media.ts";
import { timeOf } from "../../schema/ids.ts";
import type { media } from "../../schema/tables/posts.ts";
import { rejectionOf } from "./rejections.ts";
import { mediaUrls } from "./urls.ts";

export type MediaRow = typeof media.$inferSelect;

/** An upload as its owner sees it. */
export const presentMedia = (row: MediaRow): Media => ({
  id: row.id,
  state: row.state,
  ...(row.rejection !== null && { rejection: rejectionOf(row.rejection) }),
  contentType: row.contentType,
  bytes: row.bytes,
  ...(row.width !== null && { width: row.width }),
  ...(row.height !== null && { height: row.height }),
  ...(row.takenAt !== null && { takenAt: row.takenAt }),
  ...(row.camera !== null && { camera: row.camera }),
  alt: row.alt,
  ...(row.state === "ready" && { urls: mediaUrls(row.id) }),
  createdAt: new Date(timeOf(row.id)).toISOString(),
});
