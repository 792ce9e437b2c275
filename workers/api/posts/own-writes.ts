import type { Context } from "hono";
import type { PostId } from "../../../schema/ids.ts";
import type { App } from "../../http/routes.ts";
import { forgetAnswers } from "../../answers/public-answers.ts";
import type { OwnWrite } from "../../storage/consistency.ts";
import { dropPost } from "../../reads/documents.ts";

/**
 * Adds a write to a post to the response's consistency token, so that the viewer sees it wherever they read next, and
 * drops this isolate's copies of the post, so that others see it here.
 */
export function answerWithToken(c: Context<App>, post: PostId, write: OwnWrite): void {
  c.var.reader.seen.wrote(post, write);
  dropPost(post);
  forgetAnswers(post);
}
