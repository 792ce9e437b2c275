import { statement } from "../../../schema/d1/database.ts";
import { createRoute, z } from "@hono/zod-openapi";
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "hono";
import { Followed, Handle } from "../../../schema/api/people.ts";
import { IS_ACTIVE } from "../../../schema/d1/blocks.ts";
import { bare, excluded, list, literal, takeExcluded, textOf } from "../../../schema/d1/sql.ts";
import { bindingOf } from "../../../schema/d1/shards.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { blocks, following, people } from "../../../schema/tables/people.ts";
import { endFollowStatements } from "../../relations/unfollow.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import type { Reader } from "../../storage/reader.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { BLOCK_BETWEEN, blockOf, type BlockRow } from "../../reads/blocks.ts";
import { handles } from "../../reads/documents.ts";
import { claimantSeenBy, personByHandle, presentHandleOf } from "../../reads/people.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { claimedViewer, type App, json, refusals, routes } from "../../http/routes.ts";

/**
 * How many people one person may follow, pending requests included. A page of a feed reads the timeline of each large
 * author among them.
 */
export const FOLLOWING_MAX = 7500;
/** How many of a person's follow requests may be pending. */
export const REQUESTS_MAX = 500;

export const follows = routes();

for (const { wanted, ...operation } of [
  {
    method: "put",
    wanted: true,
    summary: "Follow a person",
    description:
      "Their newest posts appear in the viewer's feed a moment later. For a private person this sends a request, " +
      "which they accept or decline.",
  },
  {
    method: "delete",
    wanted: false,
    summary: "Unfollow a person, or take a follow request back",
    description: "Their posts leave the viewer's feed at once.",
  },
] as const) {
  follows.openapi(
    createRoute({
      ...operation,
      path: "/people/{handle}/follow",
      request: { params: z.object({ handle: Handle }) },
      responses: { 200: json(Followed), ...refusals },
    }),
    async (c) => c.json(await setFollowing(c, c.req.valid("param").handle, wanted), 200),
  );
}

/**
 * Follows or unfollows a person, and returns the resulting relation. Costs a batch in the follower's database, which
 * writes nothing if nothing changes; before it, one query of a replica unless the handle is in memory (two for an
 * unfollow), and one of the primary if the two live in different databases.
 */
async function setFollowing(c: Context<App>, handle: string, wanted: boolean): Promise<Followed> {
  const follower = claimedViewer(c).person;
  const { reader } = c.var;
  reader.readForWrite();
  const followee = wanted ? await claimantSeenBy(reader, handle) : await personByHandle(reader, handle);
  if (!followee) throw new Refusal("person_not_found");
  if (follower === followee) throw new Refusal("cannot_follow_yourself");
  const asked = wanted ? await isRequest(reader, follower, followee, await presentHandleOf(reader, handle)) : "0";

  const { block, state } = await withFreshIds(async () => {
    const { effect, statements } = wanted ? follow(follower, followee, asked) : endFollowStatements(follower, followee);
    // In the same transaction, so that no block comes between the write and these reads.
    const reads = [statement(BLOCK_BETWEEN, follower, followee), statement(STATE, follower, followee, asked)];
    const results = await reader.write<object>(follower, [...statements, ...reads]);
    if (results[0] && results[0].changes > 0) c.executionCtx.waitUntil(sendEffect(c.env, effect));
    const [between, state] = results.slice(-2).map((result) => result.rows[0]);
    return { block: blockOf(between as BlockRow | undefined), state: state as State | undefined };
  });
  // Their shards no longer lie in one database since the map has changed, so the transaction could not see the followee.
  if (state?.isPrivate === null && asked.startsWith("@") && !areBeside(reader, follower, followee)) {
    return setFollowing(c, handle, wanted);
  }
  if (state?.isPrivate === null) handles.drop(handle); // Nobody has the handle who has claimed it.
  if (block.theirs || state?.isPrivate === null) throw new Refusal("person_not_found");
  if (block.mine && wanted) throw new Refusal("unblock_first");
  const followed = { followedByMe: state?.active === 1, requestedByMe: state?.requested === 1 };
  if (wanted && !followed.followedByMe && !followed.requestedByMe) {
    throw new Refusal(
      (state?.open ?? 0) >= REQUESTS_MAX && state?.isPrivate === 1 ? "too_many_requests" : "too_many_follows",
    );
  }
  return followed;
}

type Asked = "0" | "1" | `@${string}`;

/**
 * Returns whether a follow must be a request, because the followee is private: "1", "0", or the handle if the transaction
 * that writes it can read that itself, in the same database, and whether the followee has this handle. Throws
 * `person_not_found` if they have not. Costs one D1 query of the primary, or nothing.
 */
async function isRequest(reader: Reader, follower: PersonId, followee: PersonId, handle: string): Promise<Asked> {
  if (areBeside(reader, follower, followee)) return `@${handle}`;
  const [row] = await reader.primary<{ isPrivate: 0 | 1 }>(followee, IS_PRIVATE, followee, handle);
  if (!row) handles.drop(handle); // Somebody else may take over such a claim.
  if (!row) throw new Refusal("person_not_found");
  return row.isPrivate === 1 ? "1" : "0";
}

const areBeside = ({ env }: Reader, one: PersonId, other: PersonId): boolean =>
  bindingOf(env, one) === bindingOf(env, other);

/** No row if the person does not have this handle, or a moderator has closed their account. */
const isPrivateSql = (person: SQL, handle: SQL): SQL => sql`
  SELECT ${people.private} AS "isPrivate" FROM ${people}
  WHERE ${people.id} = ${person} AND ${people.handle} = ${handle} AND ${people.barred} = 0`;
const IS_PRIVATE = textOf(isPrivateSql(sql`?1`, sql`?2`));

/** The counterpart of `endFollowStatements`. Changes nothing between two people with a block, or at the limits. */
function follow(follower: PersonId, followee: PersonId, asked: Asked) {
  const effect = newEffect(follower, { kind: "follow", follower, followee });
  return {
    effect,
    statements: [
      saveEffectIf(effect, MAY_FOLLOW, [follower, followee, asked]),
      statement(FOLLOW, follower, followee, asked, Date.now()),
    ],
  };
}

/** SQL: the number of open requests of `follower`. */
const openRequests = (follower: SQL): SQL => sql`(
  SELECT count(*) FROM ${following} INDEXED BY following_requested
  WHERE ${following.requested} = 1 AND ${following.follower} = ${follower})`;

/** SQL: whether `follower` may follow `followee` (or ask to, if `asked` is 1) and that would change anything. */
const mayFollow = (follower: SQL, followee: SQL, asked: SQL): SQL => sql`(
  ${asked} IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM ${following} WHERE ${following.follower} = ${follower} AND ${following.followee} = ${followee}
      AND (${following.active} = 1 OR (${following.requested} = 1 AND ${asked} = 1)))
  AND NOT EXISTS (
    SELECT 1 FROM ${blocks}
    WHERE ${blocks.person} = ${follower} AND ${blocks.other} = ${followee} AND ${IS_ACTIVE})
  AND (SELECT coalesce(max(${people.following}), 0) FROM ${people} WHERE ${people.id} = ${follower})
    + ${openRequests(follower)} < ${literal(FOLLOWING_MAX)}
  AND (${asked} = 0 OR ${openRequests(follower)} < ${literal(REQUESTS_MAX)}))`;

/** SQL: 1 if the follow must be a request, from a result of `isRequest`; NULL if there is no such person. */
const isRequestSql = (asked: SQL, followee: SQL): SQL => sql`CAST(
  iif(${asked} LIKE '@%', (${isPrivateSql(followee, sql`substr(${asked}, 2)`)}), ${asked}) AS INTEGER)`;

const MAY_FOLLOW = textOf(mayFollow(sql`?4`, sql`?5`, isRequestSql(sql`?6`, sql`?5`)));
const IS_REQUEST = isRequestSql(sql`?3`, sql`?2`);

// A pending request that becomes a follow keeps the version and time at which it was made.
const FOLLOW = textOf(sql`
  INSERT INTO ${following} (${list(
    following.follower,
    following.followee,
    following.active,
    following.requested,
    following.asked,
    following.since,
    following.version,
  )})
  SELECT ?1, ?2, 1 - ${IS_REQUEST}, ${IS_REQUEST}, 1, ?4, 1 WHERE ${mayFollow(sql`?1`, sql`?2`, IS_REQUEST)}
  ON CONFLICT DO UPDATE SET ${takeExcluded(following.active, following.requested)},
    ${bare(following.asked)} = iif(${following.requested}, ${following.asked}, ${following.version} + 1),
    ${bare(following.since)} = iif(${following.requested}, ${following.since}, ${excluded(following.since)}),
    ${bare(following.version)} = ${following.version} + 1`);

const STATE = textOf(sql`
  SELECT coalesce(max(${following.active}), 0) AS "active", coalesce(max(${following.requested}), 0) AS "requested",
    ${openRequests(sql`?1`)} AS "open", ${IS_REQUEST} AS "isPrivate"
  FROM ${following} WHERE ${following.follower} = ?1 AND ${following.followee} = ?2`);
type State = { active: 0 | 1; requested: 0 | 1; open: number; isPrivate: 0 | 1 | null };
