import type { Context } from "hono";
import type { PostId } from "../../../schema/ids.ts";
import type { App } from "../../http/routes.ts";
import { forgetAnswers } from "../../answers/public-answers.ts";
import type { OwnWrite } from "../../storage/consistency.ts";
import { dropPost } from "../../reads/documents.ts";

/** After a write to a post: its writer will see it wherever they read next, and whoever reads here sees it as well. */
export function answerWithToken(c: Context<App>, post: PostId, write: OwnWrite): void {
  c.var.reader.seen.wrote(post, write);
  dropPost(post);
  forgetAnswers(post);
}
