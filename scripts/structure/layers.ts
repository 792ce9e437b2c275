/** The layers of the product. */
import type { Import } from "./imports.ts";

/** From the bottom to the top. A file imports from its own layer and from those below it, never from above. */
export const LAYERS = [
  "schema",
  "schema/limits",
  "schema/live",
  "schema/media",
  "schema/messages",
  "schema/tables",
  "schema/api",
  "schema/d1",
  "durable-objects/limits",
  "durable-objects/upload",
  "durable-objects/post",
  "durable-objects/live",
  "workers/storage",
  "workers/http",
  "workers/limits",
  "workers/operations",
  "workers/passwords",
  "workers/reads",
  "workers/names",
  "workers/notifications",
  "workers/push/delivery",
  "workers/push",
  "workers/media/files",
  "workers/media/bytes",
  "workers/media/uploads",
  "workers/media/pictures/formats",
  "workers/media/pictures",
  "workers/media/videos/containers",
  "workers/media/videos/packets",
  "workers/media/videos",
  "workers/media/inspection",
  "workers/media/serving",
  "workers/media",
  "workers/feeds",
  "workers/relations",
  "workers/projector",
  "workers/closing",
  "workers/export",
  "workers/shards",
  "workers/responses",
  "workers/moderation",
  "workers/api/sessions",
  "workers/api/accounts",
  "workers/api/passkeys",
  "workers/api/people",
  "workers/api/posts",
  "workers/api/live",
  "workers/api/notifications",
  "workers/api/media",
  "workers/api/moderation",
  "workers/api/operations",
  "workers",
];

/** The folders of the product. */
export const PRODUCT = ["workers", "durable-objects", "schema"];

/** Whether an import leads to another file of the product. */
export const isInternal = ({ from }: Import): boolean => PRODUCT.some((folder) => from.startsWith(`${folder}/`));
