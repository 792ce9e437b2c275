import type { ShownMedia, Urls } from "../../schema/api/media.ts";
import type { PostMedia } from "../../schema/messages/facts.ts";
import type { MediaId } from "../../schema/ids.ts";

/** What follows the id in the address of a video; of a rendition, its variant. */
export const VIDEO = "video";

/** Where the renditions are served (serve.ts), relative to the address of the API; with what signs the addresses, if it must. */
export const mediaUrls = (id: MediaId, signature = ""): Urls => ({
  w320: `/media/${id}/w320${signature}`,
  w640: `/media/${id}/w640${signature}`,
  w1080: `/media/${id}/w1080${signature}`,
  thumb: `/media/${id}/thumb${signature}`,
});

export const videoUrl = (id: MediaId, signature = ""): string => `/media/${id}/${VIDEO}${signature}`;

/** A picture or video of a post, as it is shown. */
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
