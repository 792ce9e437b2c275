import { createRoute, z } from "@hono/zod-openapi";
import { RemovalOfPicture } from "../../../schema/api/moderation.ts";
import { Handle } from "../../../schema/api/people.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { body, refusals, routes } from "../../http/routes.ts";
import { removePicture } from "../../moderation/remove-picture.ts";
import { requireRole } from "../../moderation/roles.ts";
import { personByHandle } from "../../reads/people.ts";

export const pictureRemovals = routes();

pictureRemovals.openapi(
  createRoute({
    method: "post",
    path: "/moderation/people/{handle}/picture/removal",
    summary: "Remove a person's profile picture",
    description:
      "For moderators. Does nothing if the person has another picture by now. They are not notified; to tell them why, or " +
      "to keep them from setting it again, decide about the person as well.",
    request: { params: z.object({ handle: Handle }), ...body(RemovalOfPicture) },
    responses: { 204: { description: "Removed" }, ...refusals },
  }),
  async (c) => {
    const { reader } = c.var;
    const by = await requireRole(reader, "moderator");
    const person = await personByHandle(reader, c.req.valid("param").handle);
    if (!person) throw new Refusal("person_not_found");
    await removePicture(reader, person, { by, ...c.req.valid("json") });
    return c.body(null, 204);
  },
);
