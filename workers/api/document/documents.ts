/** The OpenAPI documents: one for apps, and one for the operator. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { App } from "../../http/routes.ts";
import { ADMIN_OPERATIONS, ADMIN_TAGS } from "./admin-operations.ts";
import { completed, type Document } from "./document.ts";
import { mediaPaths } from "./media-paths.ts";
import { OPERATIONS, TAGS, WITH_ETAG } from "./operations.ts";

const ABOUT = {
  version: "1",
  license: { name: "Apache 2.0", identifier: "Apache-2.0" },
};

/** As JSON, because they are large and never change. */
type Documents = { app: string; admin: string };

/** Returns a function that makes both documents of the routers of `/v1` and `/v1/admin` once, when they are first asked for. */
export function openApiDocuments(v1: OpenAPIHono<App>, admin: OpenAPIHono<App>): () => Documents {
  let made: Documents | undefined;
  return () => (made ??= { app: JSON.stringify(appDocument(v1)), admin: JSON.stringify(adminDocument(admin)) });
}

const appDocument = (v1: OpenAPIHono<App>): object =>
  completed(
    documentOf(v1, {
      title: "Shutterline",
      description:
        "A photo and video feed that runs at the edge. Errors are problem+json (RFC 9457) with a stable `code`. Send the " +
        "`Consistency-Token` of each response with the next request.",
    }),
    {
      prefix: "/v1",
      operations: OPERATIONS,
      withEtag: WITH_ETAG,
      tags: TAGS,
      schemes: ["session", "token"],
      more: mediaPaths,
    },
  );

const adminDocument = (admin: OpenAPIHono<App>): object =>
  completed(
    documentOf(admin, { title: "Shutterline for operators", description: "What the operator of a deployment may do." }),
    {
      prefix: "/v1/admin",
      operations: ADMIN_OPERATIONS,
      tags: ADMIN_TAGS,
      schemes: ["operator"],
    },
  );

const documentOf = (router: OpenAPIHono<App>, about: { title: string; description: string }): Document =>
  router.getOpenAPI31Document({ openapi: "3.1.0", info: { ...ABOUT, ...about } }) as unknown as Document;
