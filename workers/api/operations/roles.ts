import { createRoute } from "@hono/zod-openapi";
import { HasRole, SetRole } from "../../../schema/api/moderation.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { body, json, refusals, routes } from "../../http/routes.ts";
import { setRole } from "../../moderation/roles.ts";
import { personDocuments } from "../../reads/documents.ts";
import { personByHandle } from "../../reads/people.ts";
import { Reader } from "../../storage/reader.ts";

export const roles = routes();

roles.openapi(
  createRoute({
    method: "post",
    path: "/roles",
    summary: "Make a person a moderator or operator, or neither any more",
    request: body(SetRole),
    responses: { 200: json(HasRole), ...refusals },
  }),
  async (c) => {
    const { handle, role } = c.req.valid("json");
    const reader = new Reader(c.env, c.executionCtx);
    const person = await personByHandle(reader, handle);
    const card = person && (await personDocuments.get(reader, [person])).get(person);
    if (!card) throw new Refusal("person_not_found");
    await setRole(reader, card.id, role);
    return c.json({ person: card, role }, 200);
  },
);
