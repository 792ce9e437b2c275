/** Consistency-Tokens that this deployment did not issue. */
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { d1Costs } from "../../tests/runtime/stores/d1-costs.ts";
import { withFaults } from "../../tests/runtime/stores/faults.ts";
import { comment, publish, tokenOf } from "../../tests/runtime/world/api.ts";
import { ask, signUp } from "../../tests/runtime/world/people.ts";
import { issuedText } from "../storage/issued-tokens.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const FUTURE = "ffffffff-00000000-00000000-00000000000000000000000000000000";
const forgedFor = (post: string) =>
  `${btoa(JSON.stringify({ posts: [[post, 1e9]], databases: [["DB", FUTURE]] }))}.${"A".repeat(22)}`;

it("reads no actor and no future state for a made-up token", async () => {
  const ada = await signUp();
  const { id } = await publish(ada);
  const actors = vi.spyOn(env.POSTS, "getByName");
  const headers = { "consistency-token": forgedFor(id) };
  const path = `/v1/posts/${id}`;
  const read = async (n: number) => {
    expect((await ask("GET", `${path}?n=${n}`, { headers, env })).status).toBe(200);
  };
  const { calls } = await d1Costs(async () => {
    for (let n = 0; n < 10; n += 1) await read(n);
  });
  expect(calls).toBeLessThanOrEqual(2);
  vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] }); // Nothing in memory is new enough.
  const sessions = vi.spyOn(env.DB, "withSession");
  await read(10);
  vi.useRealTimers();
  expect(sessions).toHaveBeenCalled();
  expect(sessions).not.toHaveBeenCalledWith(FUTURE);
  expect(actors).not.toHaveBeenCalled();
});

it("follows its own token, in an isolate that has not read the key too", async () => {
  const ada = await signUp();
  const { id } = await publish(ada);
  await comment(ada, id, "The light!");
  const liked = await ask("PUT", `/v1/posts/${id}/like`, { token: ada.token });
  const { "Consistency-Token": token = "" } = tokenOf(liked);
  expect(await issuedText(env, "consistency", token)).toBe(token.slice(0, token.lastIndexOf(".")));
  for (const isolate of [env, withFaults(env, {}).env]) {
    const seen = await ask("GET", `/v1/posts/${id}`, { headers: tokenOf(liked), env: isolate });
    expect(await seen.json()).toMatchObject({ likes: 1 });
  }
});
