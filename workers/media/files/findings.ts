import type { MediaId } from "../../../schema/ids.ts";
import type { MediaDetails } from "../../../schema/media/media-details.ts";
import type { MediaType } from "../../../schema/media/media-types.ts";

/** A stored file to inspect. `contentType` was detected from its first bytes. */
export type Original = { id: MediaId; contentType: MediaType; bytes: number };

/**
 * What an inspection found, once everything that is served is in the bucket. The size is in pixels, upright. `derivedBytes`: the
 * size of what it has stored.
 */
export type Findings = { width: number; height: number; details: MediaDetails; derivedBytes: number };
