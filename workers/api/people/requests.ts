/** What a person does about who asks to follow them, and about who does. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { PageQuery } from "../../../schema/api/common.ts";
import { FollowsMe, Handle, PeoplePage } from "../../../schema/api/people.ts";
import { STORE_ANSWERS_WITHIN, within } from "../../../schema/d1/deadline.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { type Answer, answerRequest, applyAnswer } from "../../relations/follow-requests.ts";
import { reviewSockets } from "../../notifications/socket-hints.ts";
import { sendEffect } from "../../storage/effects.ts";
import { followerState, type Request, requestsOf } from "../../reads/follows.ts";
import { fullPage } from "../../reads/full-page.ts";
import { personByHandle } from "../../reads/people.ts";
import { peopleSeenBy } from "../../reads/visibility.ts";
import { cursorId, decodeCursor, encodeCursor } from "../../http/cursors.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { type App, json, refusals, routes, signedIn } from "../../http/routes.ts";
import { copyBlock } from "../accounts/session-copies.ts";

export const requests = routes();

requests.openapi(
  createRoute({
    method: "get",
    path: "/me/requests",
    summary: "Who has asked to follow the caller, the newest first",
    request: { query: PageQuery },
    responses: { 200: json(PeoplePage), ...refusals },
  }),
  async (c) => {
    const { person } = signedIn(c);
    const { reader } = c.var;
    const { cursor, limit } = c.req.valid("query");
    const { items, next } = await fullPage({
      after: keyOfCursor(cursor),
      limit,
      read: (after, count) => requestsOf(reader, person, after, count),
      keyOf: (request) => request,
      itemKey: ({ follower }) => follower,
      show: (rows) =>
        peopleSeenBy(
          reader,
          rows.map(({ follower }) => follower),
        ),
    });
    return c.json({ items, ...(next && { next: encodeCursor([String(next.since), next.follower]) }) }, 200);
  },
);

for (const { method, path, answer, summary, description } of [
  {
    method: "put",
    path: "/me/requests/{handle}",
    answer: "accept",
    summary: "Accept a request: its sender follows the caller from now on",
    description: "Repeating it changes nothing.",
  },
  {
    method: "delete",
    path: "/me/requests/{handle}",
    answer: "decline",
    summary: "Decline a request",
    description: "Its sender is not told, and may ask again. Repeating it changes nothing.",
  },
  {
    method: "delete",
    path: "/me/followers/{handle}",
    answer: "remove",
    summary: "Remove a follower",
    description:
      "They are not told. From now on they see of the caller what everybody sees, and may follow, or ask to, anew.",
  },
] as const) {
  requests.openapi(
    createRoute({
      method,
      path,
      summary,
      description,
      request: { params: z.object({ handle: Handle }) },
      responses: { 200: json(FollowsMe), ...refusals },
    }),
    async (c) => c.json({ followsMe: await answered(c, c.req.valid("param").handle, answer) }, 200),
  );
}

/**
 * Two D1 queries for the handle, a batch in the caller's database, which writes nothing if all is so already, one query for
 * how things stand, and when it did write, three for the effect. That is applied before the answer, so that it holds from
 * then on; if that fails, the answer stands all the same, and is applied as soon as it can be.
 */
async function answered(c: Context<App>, handle: string, answer: Answer): Promise<boolean> {
  const { person } = signedIn(c);
  const follower = await personByHandle(c.env, handle);
  if (!follower) throw new ApiError("person_not_found");
  const effect = await within(STORE_ANSWERS_WITHIN, answerRequest(c.env, follower, person, answer), "D1");
  if (effect) {
    // While D1 is down, what was kept for them before may be more than they are to see.
    if (answer === "remove") c.executionCtx.waitUntil(copyBlock(c.env, [follower]));
    try {
      await within(STORE_ANSWERS_WITHIN, applyAnswer(c.env, effect), "D1");
    } catch (error) {
      console.warn("answer not applied at once", { id: effect.id, error: String(error) });
      c.executionCtx.waitUntil(sendEffect(c.env, effect));
    }
  }
  if (effect && answer === "remove") await reviewSockets(c.env, [follower]);
  const { follows, theirs } = await followerState(c.var.reader, person, follower);
  if (theirs) throw new ApiError("person_not_found");
  if (answer === "accept" && !follows) throw new ApiError("request_not_found");
  return follows;
}

function keyOfCursor(cursor: string | undefined): Request | undefined {
  if (cursor === undefined) return undefined;
  const [since, follower] = decodeCursor(cursor, 2);
  if (!/^\d{1,15}$/.test(since)) throw new ApiError("invalid_cursor");
  return { since: Number(since), follower: cursorId<PersonId>(follower) };
}
