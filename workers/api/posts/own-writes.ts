import type { Context } from "hono";
import type { PostId } from "../../../schema/ids.ts";
import type { App } from "../../http/routes.ts";
import { forgetPublicResponses } from "../../responses/public-responses.ts";
import type { OwnWrite } from "../../storage/consistency.ts";
import { dropPost } from "../../reads/stored-posts.ts";

/**
 * Adds a write to a post to the response's consistency token, so that the viewer sees it wherever they read next, and
 * drops this isolate's copies of the post, so that others see it here.
 */
export function noteOwnWrite(c: Context<App>, post: PostId, write: OwnWrite): void {
  c.var.reader.seen.wrote(post, write);
  dropPost(post);
  forgetPublicResponses(post);
}
