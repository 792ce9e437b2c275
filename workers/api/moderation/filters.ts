/** What moderators do about comments everywhere. */
import { createRoute, z } from "@hono/zod-openapi";
import { FilteredWord, Removal, Removing, SiteFilter, SiteFilters } from "../../../schema/api/moderation.ts";
import { Handle } from "../../../schema/api/people.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { body, json, refusals, routes } from "../../http/routes.ts";
import { filters, setFilter } from "../../moderation/comment-rules.ts";
import { beginRemoval } from "../../moderation/remove-comments.ts";
import { requireRole } from "../../moderation/roles.ts";
import { personByHandle } from "../../reads/people.ts";

export const siteFilters = routes();

siteFilters.openapi(
  createRoute({
    method: "get",
    path: "/moderation/filters",
    summary: "List the words that are filtered in all comments",
    description: "For moderators.",
    responses: { 200: json(SiteFilters), ...refusals },
  }),
  async (c) => {
    await requireRole(c.var.reader, "moderator");
    return c.json({ items: await filters(c.env) }, 200);
  },
);

siteFilters.openapi(
  createRoute({
    method: "put",
    path: "/moderation/filters",
    summary: "Filter a word in all comments, or change what happens to them",
    description: "For moderators. Takes effect within ten seconds, for new and edited comments.",
    request: body(SiteFilter),
    responses: { 200: json(SiteFilters), ...refusals },
  }),
  async (c) => {
    const moderator = await requireRole(c.var.reader, "moderator");
    const { word, action } = c.req.valid("json");
    await setFilter(c.var.reader, moderator, word, action);
    return c.json({ items: await filters(c.env) }, 200);
  },
);

siteFilters.openapi(
  createRoute({
    method: "delete",
    path: "/moderation/filters",
    summary: "Filter a word no longer",
    description: "For moderators. What it has hidden stays hidden.",
    request: body(FilteredWord),
    responses: { 200: json(SiteFilters), ...refusals },
  }),
  async (c) => {
    const moderator = await requireRole(c.var.reader, "moderator");
    await setFilter(c.var.reader, moderator, c.req.valid("json").word, undefined);
    return c.json({ items: await filters(c.env) }, 200);
  },
);

siteFilters.openapi(
  createRoute({
    method: "post",
    path: "/moderation/people/{handle}/comments/removal",
    summary: "Delete all comments of a person",
    description: "For moderators. They go one after the other, which may take minutes. Cannot be undone.",
    request: { params: z.object({ handle: Handle }), ...body(Removal) },
    responses: { 202: json(Removing, "They are being deleted"), ...refusals },
  }),
  async (c) => {
    const moderator = await requireRole(c.var.reader, "moderator");
    const person = await personByHandle(c.var.reader, c.req.valid("param").handle);
    if (!person) throw new Refusal("person_not_found");
    await beginRemoval(c.var.reader, person, { moderator, reason: c.req.valid("json").reason });
    return c.json({ removing: true as const }, 202);
  },
);
