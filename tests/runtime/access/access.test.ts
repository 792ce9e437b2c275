/**
 * Who may do what: every operation of the OpenAPI document, for every kind of viewer, in every state of the author and
 * their post. An operation without a row fails.
 */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PostId } from "../../../schema/ids.ts";
import { recordQueues } from "../queues/facts.ts";
import { ask } from "../world/people.ts";
import { NO_POST, type Row } from "./outcomes.ts";
import { ENDINGS, OWN } from "./rows-account.ts";
import { MODERATION, REMOVALS, REPORTS } from "./rows-moderation.ts";
import { READS_OF_PEOPLE, WRITES_TO_PEOPLE } from "./rows-people.ts";
import { READS_OF_POSTS, WRITES_TO_POSTS } from "./rows-posts.ts";
import { type State, STATES, type Viewer, VIEWERS } from "./viewers.ts";
import { nameOf, newWorld, outcomeOf } from "./world.ts";

const READS: Row[] = [...READS_OF_POSTS, ...READS_OF_PEOPLE];
const ROWS: Row[] = [
  ...READS,
  ...OWN,
  ...MODERATION,
  ...REPORTS,
  ...WRITES_TO_POSTS,
  ...WRITES_TO_PEOPLE,
  ...REMOVALS,
  ...ENDINGS,
];

/** What a suspended person may still do, besides reading. */
const WHILE_SUSPENDED = new Set([
  "DELETE /me/sessions",
  "DELETE /me/sessions/{session}",
  "POST /me/export",
  "POST /me/decisions/{subject}/answer",
  "POST /notifications/read",
  "POST /notifications/{notification}/read",
  "POST /live/tickets",
  "DELETE /push-subscriptions",
  "DELETE /sessions/current",
  "POST /sessions",
  "POST /sessions/passkey",
  "POST /sessions/passkey/options",
  "POST /me/passkeys",
  "POST /me/passkeys/options",
  "PATCH /me/passkeys/{passkey}",
  "DELETE /me/passkeys/{passkey}",
  "DELETE /me",
  "PUT /me/password",
  "OPTIONS /uploads",
]);

/** What the row says, but for a suspended person, who writes nothing else. */
function wantedOf([operation, outcome]: Row, viewer: Viewer, state: State): string {
  const isSuspended = viewer === "suspended" || (viewer === "author" && ["suspended", "closed"].includes(state));
  const isRefused = isSuspended && !operation.startsWith("GET ") && !WHILE_SUSPENDED.has(operation);
  return isRefused ? "403 suspended" : outcome(viewer, state);
}

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe.each(STATES)("when the author or the post is %s", (state) => {
  it.each(VIEWERS)("does and shows exactly what it may (%s)", async (viewer) => {
    const world = await newWorld(queues, viewer, state, READS);
    const found: Record<string, string> = {};
    const wanted: Record<string, string> = {};
    for (const row of ROWS) {
      found[nameOf(row)] = await outcomeOf(world, row);
      wanted[nameOf(row)] = wantedOf(row, viewer, state);
    }
    expect(found).toEqual(wanted);
  });
});

it("stores nothing of what is refused", async () => {
  const world = await newWorld(queues, "requester", "private", READS);
  const stateOfPost = async () => {
    const state = await env.POSTS.getByName(world.names["post"] as PostId).state();
    if (!state.ok) throw new Error(state.reason);
    return [state.likes, state.comments, state.seq, state.digest];
  };
  const before = await stateOfPost();
  const refused = WRITES_TO_POSTS.filter(([, outcome]) => outcome("requester", "private") === NO_POST);
  expect(refused.length).toBeGreaterThan(12);
  for (const row of refused)
    if (row[0] !== "DELETE /posts/{post}/like") expect(await outcomeOf(world, row)).toBe(NO_POST);
  expect(await stateOfPost()).toEqual(before);
});

it("has a row for every operation", async () => {
  const { paths } = await (await ask("GET", "/v1/openapi.json")).json<{ paths: Record<string, object> }>();
  const routes = Object.entries(paths).filter(([path]) => path.startsWith("/v1/"));
  const operations = routes.flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/^\/v1/, "")}`),
  );
  const known = new Set(ROWS.map(([operation]) => operation));
  expect(operations.length).toBeGreaterThan(70);
  expect(operations.filter((operation) => !known.has(operation))).toEqual([]);
  expect([...known].filter((operation) => !operations.includes(operation))).toEqual([]);
});
