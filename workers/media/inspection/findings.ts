import type { MediaId } from "../../../schema/ids.ts";
import type { MediaDetails } from "../../../schema/media/media-details.ts";
import type { MediaType } from "../../../schema/media/media-types.ts";

/** A stored file that is to be looked at. `contentType` is what its first bytes say. */
export type Original = { id: MediaId; contentType: MediaType; bytes: number };

/** What is known of a file once all that is served of it is in the bucket. In pixels, upright. */
export type Findings = { width: number; height: number; details: MediaDetails };
