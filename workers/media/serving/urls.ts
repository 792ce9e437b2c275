import type { ShownMedia, Urls } from "../../../schema/api/media.ts";
import type { PostMedia } from "../../../schema/facts.ts";
import type { MediaId } from "../../../schema/ids.ts";

/** Where the renditions are served (serve.ts), relative to the address of the API. */
export const mediaUrls = (id: MediaId): Urls => ({
  w320: `/media/${id}/w320`,
  w640: `/media/${id}/w640`,
  w1080: `/media/${id}/w1080`,
  thumb: `/media/${id}/thumb`,
});

export const videoUrl = (id: MediaId): string => `/media/${id}/video`;

/** A picture or video of a post, as it is shown. */
export const shownMedia = ({ video, ...picture }: PostMedia): ShownMedia => ({
  ...picture,
  ...(video?.poster !== false && { urls: mediaUrls(picture.id) }),
  ...(video && {
    video: {
      url: videoUrl(picture.id),
      contentType: video.contentType,
      durationMs: video.durationMs,
      hasAudio: video.hasAudio,
    },
  }),
});
