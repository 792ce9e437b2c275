/** Closing one's own account. */
import { createRoute } from "@hono/zod-openapi";
import { CloseAccount } from "../../../schema/api/closings.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { closeAccount } from "../../closing/close.ts";
import { body, refusals, requireViewer, routes } from "../../http/routes.ts";
import { forgetPublicResponsesOf } from "../../responses/public-responses.ts";
import { provePassword } from "../sessions/prove-password.ts";
import { forgetSession } from "../sessions/tokens.ts";
import { endSession } from "../sessions/viewer.ts";

export const closing = routes();

closing.openapi(
  createRoute({
    method: "delete",
    path: "/me",
    summary: "Close the viewer's account for good",
    description:
      "Needs the password. From the response on, the person and their posts are found by nobody, all their sessions and " +
      "sockets have ended, and nobody can sign in. Their likes, comments and follows go within minutes, their files too. " +
      "This cannot be undone; nobody can take the handle for 30 days.",
    request: body(CloseAccount),
    responses: { 204: { description: "Closed" }, ...refusals },
  }),
  async (c) => {
    const { person, session } = await requireViewer(c);
    await provePassword(c, person, c.req.valid("json").password);
    if (!(await closeAccount(c.env, person))) throw new Refusal("not_signed_in");
    forgetPublicResponsesOf(person);
    forgetSession(session);
    endSession(c);
    return c.body(null, 204);
  },
);
