import type { MovingPicture, ShownMedia, Urls, Variant } from "../../schema/api/media.ts";
import type { Moving, PostMedia } from "../../schema/posts.ts";
import type { MediaId } from "../../schema/ids.ts";
import { type SizedMedia, usefulName, type WidthName } from "../../schema/media/renditions.ts";

/** The last path segment of the URLs of a video and of a moving picture. A rendition has its variant there. */
export const VIDEO = "video";
export const MOVING = "moving";

/**
 * Returns the URLs of a file's renditions (serve.ts), relative to the API's; signed, if the file is not public. With its size,
 * a rendition that would be no wider than a smaller one has the URL of that one.
 */
export function mediaUrls(id: MediaId, signature = "", media?: SizedMedia): Urls {
  const url = (variant: Variant) => `/media/${id}/${variant}${signature}`;
  const widthUrl = (name: WidthName) => url(media ? usefulName(name, media) : name);
  return {
    w320: widthUrl("w320"),
    w640: widthUrl("w640"),
    w1080: widthUrl("w1080"),
    w1600: widthUrl("w1600"),
    w2048: widthUrl("w2048"),
    thumb: url("thumb"),
  };
}

/** Returns the URL of the served video, like `mediaUrls`. */
export const videoUrl = (id: MediaId, signature = ""): string => `/media/${id}/${VIDEO}${signature}`;

/** Returns a moving picture as the API shows it, like `mediaUrls`. */
export const movingPicture = (id: MediaId, moving: Moving, signature = ""): MovingPicture => ({
  url: `/media/${id}/${MOVING}${signature}`,
  ...moving,
});

/** Returns a picture or video of a post as the API shows it. */
export function shownMedia({ video, moving, ...picture }: PostMedia, signature = ""): ShownMedia {
  const { width, height } = picture;
  return {
    ...picture,
    ...(moving && { moving: movingPicture(picture.id, moving, signature) }),
    ...(video?.poster !== false && {
      urls: mediaUrls(picture.id, signature, { width, height, isVideo: video !== undefined }),
    }),
    ...(video && {
      video: {
        url: videoUrl(picture.id, signature),
        contentType: video.contentType,
        durationMs: video.durationMs,
        hasAudio: video.hasAudio,
      },
    }),
  };
}
