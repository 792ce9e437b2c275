import type { Variant } from "../../schema/api/media.ts";
import type { MediaId } from "../../schema/ids.ts";

/** Where the renditions are served (serve.ts), relative to the address of the API. */
export const mediaUrls = (id: MediaId): Record<Variant, string> => ({
  w320: `/media/${id}/w320`,
  w640: `/media/${id}/w640`,
  w1080: `/media/${id}/w1080`,
});
