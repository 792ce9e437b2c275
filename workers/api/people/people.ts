import { createRoute, z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { PageQuery } from "../../../schema/api/common.ts";
import { Handle, PeoplePage, type PersonCard, Profile, SignedIn, SignUp } from "../../../schema/api/people.ts";
import { CARD_COLUMNS, cardOf, type CardRow } from "../../../schema/d1/person-cards.ts";
import { textOf } from "../../../schema/d1/sql.ts";
import { AFTER_EVERY_ID, type PersonId } from "../../../schema/ids.ts";
import { people as peopleTable } from "../../../schema/tables/people.ts";
import { followedBy, followerPage } from "../../reads/follows.ts";
import { fullPage } from "../../reads/full-page.ts";
import { handles } from "../../reads/documents.ts";
import { claimantSeenBy, profileSeenBy, seenPerson } from "../../reads/people.ts";
import type { Reader } from "../../storage/reader.ts";
import { blockedFor, peopleSeenBy } from "../../reads/visibility.ts";
import { countSignUp, rememberNetworkOf } from "../sessions/attempts.ts";
import { refuseOtherSites } from "../../http/cross-site.ts";
import { idOfCursor, pageWithCursor } from "../../http/cursors.ts";
import { type App, body, json, refusals, refuseWrongToken, routes } from "../../http/routes.ts";
import { endSessionOfBrowser } from "../sessions/begin-session.ts";
import { originOf, rememberDevice } from "../sessions/devices.ts";
import { refuseWeakPassword } from "../../passwords/password-rules.ts";
import { networkIn } from "../../limits/networks.ts";
import { withTurn } from "../../passwords/hashing-turns.ts";
import { hashPassword } from "../../passwords/passwords.ts";
import { refuseForeignName } from "../../names/names.ts";
import { refuseReservedHandle } from "../../names/reserved-names.ts";
import { signUp } from "../accounts/sign-up.ts";
import { beginSession } from "../sessions/viewer.ts";

export const people = routes();

people.openapi(
  createRoute({
    method: "post",
    path: "/people",
    summary: "Sign up",
    description:
      "Also signs in. The token is set as a cookie too, for browsers. Without a name, the handle is used as the name.",
    request: body(SignUp),
    responses: { 201: json(SignedIn, "Signed up and signed in"), ...refusals },
  }),
  async (c) => {
    refuseOtherSites(c.req.raw);
    await refuseWrongToken(c);
    const { handle, password, name } = c.req.valid("json");
    const passwordHash = await withTurn(networkIn(c.req.raw.headers), async (inTurn) => {
      await countSignUp(c);
      refuseReservedHandle(handle);
      if (name !== undefined) await refuseForeignName(c.env, name, undefined);
      refuseWeakPassword(password, [handle, name ?? handle]);
      return inTurn(() => hashPassword(c.env, password));
    });
    const { person, token } = await signUp(c.env, { handle, passwordHash, name: name ?? handle }, originOf(c));
    handles.drop(handle); // It may be cached as taken by nobody.
    await endSessionOfBrowser(c);
    beginSession(c, token);
    await rememberDevice(c, person.id, passwordHash);
    rememberNetworkOf(c, handle);
    return c.json({ person, token }, 201);
  },
);

people.openapi(
  createRoute({
    method: "get",
    path: "/people",
    summary: "List the newest people, as suggestions to follow",
    description: "A single page, without `next`.",
    request: { query: PageQuery.pick({ limit: true }) },
    responses: { 200: json(PeoplePage), ...refusals },
  }),
  async (c) => {
    const { reader } = c.var;
    const { items } = await fullPage({
      after: undefined as PersonId | undefined,
      limit: c.req.valid("query").limit,
      read: (after, count) => newestPeople(reader, after, count),
      keyOf: ({ id }) => id,
      itemKey: ({ id }) => id,
      show: async (cards) => {
        const blocked = await blockedFor(
          reader,
          cards.map(({ id }) => id),
        );
        return new Map(cards.flatMap((card) => (blocked.has(card.id) ? [] : [[card.id, card]])));
      },
    });
    return c.json({ items }, 200);
  },
);

people.openapi(
  createRoute({
    method: "get",
    path: "/people/{handle}",
    summary: "Get a person",
    request: { params: z.object({ handle: Handle }) },
    responses: { 200: json(Profile), ...refusals },
  }),
  async (c) => {
    return c.json(await profileSeenBy(c.var.reader, c.req.valid("param").handle), 200);
  },
);

people.openapi(
  createRoute({
    method: "get",
    path: "/people/{handle}/followers",
    summary: "List the followers of a person",
    description: "In an arbitrary but stable order. Empty for a private person, except for their followers.",
    request: { params: z.object({ handle: Handle }), query: PageQuery },
    responses: { 200: json(PeoplePage), ...refusals },
  }),
  async (c) => c.json(await listPage(c, c.req.valid("param").handle, c.req.valid("query"), followerPage), 200),
);

people.openapi(
  createRoute({
    method: "get",
    path: "/people/{handle}/following",
    summary: "List the people whom a person follows",
    description: "Ordered by sign-up, newest first. Empty for a private person, except for their followers.",
    request: { params: z.object({ handle: Handle }), query: PageQuery },
    responses: { 200: json(PeoplePage), ...refusals },
  }),
  async (c) => c.json(await listPage(c, c.req.valid("param").handle, c.req.valid("query"), followedBy), 200),
);

/** Returns a page of the followers of a person, or of those they follow; empty if the viewer may not see the list. */
async function listPage(
  c: Context<App>,
  handle: string,
  { cursor, limit }: PageQuery,
  list: typeof followerPage,
): Promise<z.infer<typeof PeoplePage>> {
  const after = idOfCursor<PersonId>(cursor);
  const { reader } = c.var;
  const { person, isHidden } = await seenPerson(reader, await claimantSeenBy(reader, handle), handle);
  if (isHidden) return { items: [] };
  const { items, next } = await fullPage({
    after,
    limit,
    read: (after, count) => list(reader, person, after, count),
    keyOf: (id) => id,
    itemKey: (id) => id,
    show: (ids) => peopleSeenBy(reader, ids),
  });
  return pageWithCursor(items, next);
}

/** Returns the newest people before an id. Costs one D1 query for each database. */
async function newestPeople(reader: Reader, before: PersonId | undefined, limit: number): Promise<PersonCard[]> {
  const newest = await reader.everyReplica<CardRow>(NEWEST, before ?? AFTER_EVERY_ID, limit);
  return newest
    .sort((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, limit)
    .map(cardOf);
}

const NEWEST = textOf(sql`
  SELECT ${CARD_COLUMNS} FROM ${peopleTable}
  WHERE ${peopleTable.id} < ?1 AND ${peopleTable.barred} = 0 ORDER BY ${peopleTable.id} DESC LIMIT ?2`);
