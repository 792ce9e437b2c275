/** The paths of files, which no route of the API's router describes. A client follows the URLs that responses contain. */
import { Variant } from "../../../schema/api/media.ts";
import { MOVING_TYPES } from "../../../schema/media/media-types.ts";
import { SQUARES } from "../../../schema/media/squares.ts";
import type { RefusalResponses } from "./refusals.ts";

const bytes = { type: "string", format: "binary" } as const;
const contents = (...types: string[]) => Object.fromEntries(types.map((type) => [type, { schema: bytes }]));
const query = (name: string, description: string) => ({ name, in: "query", description, schema: { type: "string" } });

const id = { name: "id", in: "path", required: true, schema: { type: "string" } } as const;
const signature = [
  query("for", "In URLs of files that are not public: for whom the URL was signed"),
  query("session", "For which session"),
  query("until", "Until when, in seconds since 1970"),
  query("sig", "The signature"),
];
const ifNoneMatch = { $ref: "#/components/parameters/IfNoneMatch" };
const headers = { ETag: { $ref: "#/components/headers/ETag" } };
const notModified = { 304: { description: "Not modified", headers } };
const common = { tags: ["media"], security: [{}] };

/** Returns paths of the document. */
export const mediaPaths = (refusals: RefusalResponses): Record<string, object> => ({
  "/media/{id}/{rendition}": {
    get: {
      ...common,
      operationId: "getRendition",
      summary: "Get a rendition of a picture, or of a video's poster",
      description: "`Accept` selects AVIF, WebP or JPEG. Take the URL from a response: it may be signed.",
      parameters: [
        id,
        {
          name: "rendition",
          in: "path",
          required: true,
          schema: { type: "string", enum: [...Variant.options, ...SQUARES] },
        },
        ...signature,
        ifNoneMatch,
      ],
      responses: {
        200: { description: "The picture", headers, content: contents("image/avif", "image/webp", "image/jpeg") },
        ...notModified,
        ...refusals.of(["media_not_found", "internal", "busy", "unavailable"]),
      },
    },
  },
  "/media/{id}/video": {
    get: {
      ...common,
      operationId: "getVideo",
      summary: "Get a video, or a range of its bytes",
      parameters: [
        id,
        ...signature,
        { name: "Range", in: "header", schema: { type: "string" } },
        { name: "If-Range", in: "header", schema: { type: "string" } },
        ifNoneMatch,
      ],
      responses: {
        200: { description: "The whole video", headers, content: contents("video/mp4", "video/webm") },
        206: { description: "The range", headers, content: contents("video/mp4", "video/webm") },
        ...notModified,
        ...refusals.of(["media_not_found", "range_not_satisfiable", "internal", "busy", "unavailable"]),
      },
    },
  },
  "/media/{id}/moving": {
    get: {
      ...common,
      operationId: "getMovingPicture",
      summary: "Get a picture that moves, as it moves",
      parameters: [id, ...signature, ifNoneMatch],
      responses: {
        200: { description: "The picture", headers, content: contents(...MOVING_TYPES) },
        ...notModified,
        ...refusals.of(["media_not_found", "internal", "busy", "unavailable"]),
      },
    },
  },
});
