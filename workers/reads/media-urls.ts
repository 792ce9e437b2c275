import type { ShownMedia, Urls } from "../../schema/api/media.ts";
import type { PostMedia } from "../../schema/posts.ts";
import type { MediaId } from "../../schema/ids.ts";

/** The last path segment of a video's URL. A rendition has its variant there. */
export const VIDEO = "video";

/** Returns the URLs of a file's renditions (serve.ts), relative to the API's; signed, if the file is not public. */
export const mediaUrls = (id: MediaId, signature = ""): Urls => ({
  w320: `/media/${id}/w320${signature}`,
  w640: `/media/${id}/w640${signature}`,
  w1080: `/media/${id}/w1080${signature}`,
  thumb: `/media/${id}/thumb${signature}`,
});

/** Returns the URL of the served video, like `mediaUrls`. */
export const videoUrl = (id: MediaId, signature = ""): string => `/media/${id}/${VIDEO}${signature}`;

/** Returns a picture or video of a post as the API shows it. */
export const shownMedia = ({ video, ...picture }: PostMedia, signature = ""): ShownMedia => ({
  ...picture,
  ...(video?.poster !== false && { urls: mediaUrls(picture.id, signature) }),
  ...(video && {
    video: {
      url: videoUrl(picture.id, signature),
      contentType: video.contentType,
      durationMs: video.durationMs,
      hasAudio: video.hasAudio,
    },
  }),
});
