import { createRoute } from "@hono/zod-openapi";
import { ProfilePicture } from "../../../schema/api/media.ts";
import { body, json, refusals, requireViewer, routes } from "../../http/routes.ts";
import { removeProfilePicture, setProfilePicture } from "../../media/profile-pictures.ts";

export const profilePictures = routes();

profilePictures.openapi(
  createRoute({
    method: "put",
    path: "/me/picture",
    summary: "Set the viewer's profile picture",
    description:
      "`media` is a ready picture of the viewer that no post shows. Everybody sees it, cropped to the square in its centre, " +
      "even if the account is private. Others may see the earlier one for some minutes, which is then deleted after a day. " +
      "Safe to repeat.",
    request: body(ProfilePicture),
    responses: { 200: json(ProfilePicture), ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { media } = c.req.valid("json");
    await setProfilePicture(c.var.reader, person, media);
    return c.json({ media }, 200);
  },
);

profilePictures.openapi(
  createRoute({
    method: "delete",
    path: "/me/picture",
    summary: "Remove the viewer's profile picture",
    description: "It is served for some seconds more, and the file is deleted after a day. Safe to repeat.",
    responses: { 204: { description: "Removed" }, ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    await removeProfilePicture(c.var.reader, person);
    return c.body(null, 204);
  },
);
