import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Reconciled } from "../../../schema/api/admin.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { flush, recordQueues } from "../../../tests/runtime/queues/facts.ts";
import { ask, outcome, signUp } from "../../../tests/runtime/world/people.ts";
import { newPerson, publishedPost } from "../../../tests/runtime/world/posts.ts";
import { project } from "../../projector/projector.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const operated = { ...env, ADMIN_TOKEN: "the operator's secret".replaceAll(" ", "-") };
const reconcile = (body: object, token = operated.ADMIN_TOKEN) =>
  ask("POST", "/v1/admin/reconcile", { env: operated, token, body });

async function quietPost() {
  const { post, actor } = await publishedPost();
  await actor.like(newPerson());
  await flush(actor);
  await project(env, queues.facts.splice(0));
  return { post: post.id, actor };
}

it("requires the operator's secret, and returns 404 where none is set", async () => {
  const { token } = await signUp();
  expect(await outcome(await ask("POST", "/v1/admin/reconcile", { token: operated.ADMIN_TOKEN, body: {} }))).toBe(
    "404 not_found",
  );
  expect(await outcome(await reconcile({}, token))).toBe("401 not_the_operator");
  expect(await outcome(await ask("POST", "/v1/admin/reconcile", { env: operated, body: {} }))).toBe(
    "401 not_the_operator",
  );
  expect(await outcome(await reconcile({ posts: ["nonsense"] }))).toBe("422 invalid_request");
  expect(await outcome(await reconcile({ cursor: "nonsense" }))).toBe("400 invalid_cursor");
});

it("returns the audit of each post, and rebuilds a projection that differs", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  const [right, wrong] = [await quietPost(), await quietPost()];
  await d1Of(env, wrong.post).prepare("UPDATE post_stats SET likes = 7 WHERE post = ?").bind(wrong.post).run();
  const verdicts = async () => {
    const { items } = await (await reconcile({ posts: [right.post, wrong.post, "0000000000000"] })).json<Reconciled>();
    return items.map(({ audit }) => audit?.verdict);
  };
  expect(await verdicts()).toEqual(["equal", "different", undefined]);
  await flush(wrong.actor);
  await project(env, queues.facts);
  expect(await verdicts()).toEqual(["equal", "equal", undefined]);
});

/** Reads a page. An actor that an earlier test file has left awake fails once, because its module was loaded again. */
async function pageAfter(cursor: string | undefined): Promise<Reconciled> {
  const read = async () => {
    const response = await reconcile({ cursor });
    expect(response.status).toBe(200);
    return response.json<Reconciled>();
  };
  return vi.waitFor(read, { timeout: 20_000 });
}

it("pages through every post of every database", async () => {
  const posts = [await quietPost(), await quietPost(), await quietPost()].map(({ post }) => post);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await pageAfter(cursor);
    seen.push(...page.items.map(({ post }) => post));
    cursor = page.next;
  } while (cursor !== undefined);
  expect(seen).toEqual(expect.arrayContaining(posts));
  expect(new Set(seen).size).toBe(seen.length);
});
