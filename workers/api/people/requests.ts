/** Decisions about follow requests, and the removal of followers. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { PageQuery } from "../../../schema/api/common.ts";
import { FollowsMe, Handle, PeoplePage } from "../../../schema/api/people.ts";
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { mirrorFollow } from "../../relations/follow.ts";
import { applyDecision, type Decision, type DecisionEffect, saveDecision } from "../../relations/follow-requests.ts";
import { checkSockets } from "../../notifications/socket-hints.ts";
import { sendEffect } from "../../storage/effects.ts";
import { followerState, type FollowRequest, requestsOf } from "../../reads/follows.ts";
import { fullPage } from "../../reads/full-page.ts";
import { personByHandle } from "../../reads/people.ts";
import { peopleSeenBy } from "../../reads/visibility.ts";
import { cursorId, decodeCursor, encodeCursor } from "../../http/cursors.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { logWarning } from "../../../schema/log.ts";
import { claimedViewer, type App, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const requests = routes();

requests.openapi(
  createRoute({
    method: "get",
    path: "/me/requests",
    summary: "List the requests to follow the viewer, newest first",
    request: { query: PageQuery },
    responses: { 200: json(PeoplePage), ...refusals },
  }),
  async (c) => {
    const { person } = claimedViewer(c);
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

for (const { decision, ...operation } of [
  {
    method: "put",
    path: "/me/requests/{handle}",
    decision: "accept",
    summary: "Accept a follow request; its sender then follows the viewer",
    description: "Repeating it changes nothing.",
  },
  {
    method: "delete",
    path: "/me/requests/{handle}",
    decision: "decline",
    summary: "Decline a follow request",
    description: "Its sender is not notified and may ask again. Repeating it changes nothing.",
  },
  {
    method: "delete",
    path: "/me/followers/{handle}",
    decision: "remove",
    summary: "Remove a follower",
    description:
      "They are not notified. From now on they see only what everyone can see, and may follow or ask to follow again.",
  },
] as const) {
  requests.openapi(
    createRoute({
      ...operation,
      request: { params: z.object({ handle: Handle }) },
      responses: { 200: json(FollowsMe), ...refusals },
    }),
    async (c) => c.json({ followsMe: await decide(c, c.req.valid("param").handle, decision) }, 200),
  );
}

/**
 * Records a decision and returns whether `handle` then follows the viewer. Costs two D1 queries for the handle, a batch
 * in the viewer's database, which writes nothing if nothing changes, and one query for the resulting relation; a change
 * costs three more for the effect, and the removal of somebody who does not follow two more. The effect is applied before the response, so that the decision holds from then on.
 * If that fails, the decision is kept and the queue applies it as soon as possible.
 */
async function decide(c: Context<App>, handle: string, decision: Decision): Promise<boolean> {
  const [{ person }, follower] = await Promise.all([requireViewer(c), personByHandle(c.var.reader, handle)]);
  if (!follower) throw new Refusal("person_not_found");
  const effect = await within(STORE_TIMEOUT, save(c.env, follower, person, decision), "D1");
  if (effect) {
    try {
      await within(STORE_TIMEOUT, applyDecision(c.env, effect), "D1");
    } catch (error) {
      logWarning("decision not applied at once", { id: effect.id, error: String(error) });
      c.executionCtx.waitUntil(sendEffect(c.env, effect));
    }
  }
  if (effect && decision === "remove") await checkSockets(c.env, [follower]);
  const { follows, theirs } = await followerState(c.var.reader, person, follower);
  if (theirs) throw new Refusal("person_not_found");
  if (decision === "accept" && !follows) throw new Refusal("request_not_found");
  return follows;
}

/**
 * Stores a decision, as `saveDecision` does. A follow whose mirror is not written yet would escape a removal that finds
 * nothing to remove, so it is mirrored first, which costs two D1 queries.
 */
async function save(
  env: Env,
  follower: PersonId,
  followee: PersonId,
  decision: Decision,
): Promise<DecisionEffect | undefined> {
  const effect = await saveDecision(env, follower, followee, decision);
  if (effect || decision !== "remove") return effect;
  const mirrored = await mirrorFollow(env, follower, followee, { isAnnounced: false });
  return mirrored?.fact.active ? saveDecision(env, follower, followee, decision) : undefined;
}

function keyOfCursor(cursor: string | undefined): FollowRequest | undefined {
  if (cursor === undefined) return undefined;
  const [since, follower] = decodeCursor(cursor, 2);
  if (!/^\d{1,15}$/.test(since)) throw new Refusal("invalid_cursor");
  return { since: Number(since), follower: cursorId<PersonId>(follower) };
}
