import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, type Mock, vi } from "vitest";
import type { Problem } from "../../schema/api/common.ts";
import { publish } from "../../tests/runtime/world/api.ts";
import { ask, signUp } from "../../tests/runtime/world/people.ts";
import { failureOf } from "./failures.ts";

let logged: Mock<(what: string, details?: { requestId?: string }) => void>;
beforeEach(() => {
  logged = vi.spyOn(console, "error").mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** An error as RPC passes it: a plain Error with flags. */
const thrown = (message: string, flags: object = {}): Error => Object.assign(new Error(message), flags);
const wrapped = (cause: Error): Error => new Error("Failed query: ...", { cause });
const FULL = "database or disk is full: SQLITE_FULL";

it.each([
  [thrown(FULL, { remote: true }), "storage_full"],
  [wrapped(thrown(`D1_ERROR: ${FULL}`)), "storage_full"],
  [thrown("D1_ERROR: Exceeded maximum DB size."), "storage_full"],
  [thrown("Durable Object is overloaded. Too many requests queued.", { overloaded: true }), "busy"],
  [thrown("both", { overloaded: true, retryable: true }), "busy"],
  [thrown("D1 DB is overloaded. Requests queued for too long."), "busy"],
  [thrown("Network connection lost.", { retryable: true }), "unavailable"],
  [thrown("D1_ERROR: Network connection lost."), "unavailable"],
  [thrown("D1_ERROR: D1 DB reset because its code was updated."), "unavailable"],
  [thrown("D1_ERROR: Internal error in D1 DB storage caused object to be reset."), "unavailable"],
  [thrown("D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset."), "unavailable"],
  [thrown("D1 DB storage operation exceeded timeout which caused object to be reset."), "unavailable"],
  [thrown("D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node."), "unavailable"],
  [thrown("D1_ERROR: Replica disconnected from primary."), "unavailable"],
  [thrown("its code was updated", { durableObjectReset: true, remote: true }), "unavailable"],
  [wrapped(thrown("internal error; reference = s42kjpamt1snt8coav7cfpkb")), "unavailable"],
  [thrown("disk I/O error: SQLITE_IOERR"), "unavailable"],
  [thrown("put: We encountered an internal error. Please try again. (10001)"), "unavailable"],
  [thrown("Cannot read properties of undefined", { remote: true, retryable: false, overloaded: false }), undefined],
  [thrown("D1_ERROR: no such table: likes: SQLITE_ERROR"), undefined],
  // The outer message quotes client input, which must not be taken for a failure.
  [new Error(`Failed query: ... params: ${FULL}`, { cause: thrown("D1_ERROR: no such table") }), undefined],
])("distinguishes a platform failure from a bug: %s", (error, failure) => {
  expect(failureOf(error)).toBe(failure);
});

it("does not loop over an error that is its own cause", () => {
  const error = new Error("first");
  error.cause = new Error("second", { cause: error });
  expect(failureOf(error)).toBeUndefined();
});

/** Sends a like whose actor throws `error`. */
async function likeWith(error: Error): Promise<{ response: Response; calls: number }> {
  const author = await signUp();
  const { token } = await signUp();
  const { id: post } = await publish(author);
  const like = vi.fn<() => Promise<never>>().mockRejectedValue(error);
  const POSTS = { getByName: () => ({ like }) };
  const path = `/v1/posts/${post}/like`;
  const response = await ask("PUT", path, { token, env: { ...env, POSTS } as unknown as Env });
  return { response, calls: like.mock.calls.length };
}

it.each([
  [thrown("overloaded", { overloaded: true, retryable: true }), 503, "busy", "10"],
  [thrown("Network connection lost.", { retryable: true }), 503, "unavailable", "1"],
  [thrown(FULL), 507, "storage_full", null],
  [thrown("undefined is not a function"), 500, "internal", null],
])("responds with a stable code when an actor fails: %s", async (error, status, code, retryAfter) => {
  // Other tests of this isolate may have logged as many failures of this kind as a minute has lines.
  vi.useFakeTimers({ now: Date.now() + 120_000, toFake: ["Date"] });
  const { response, calls } = await likeWith(error);
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("retry-after")).toBe(retryAfter);
  const problem = await response.json<Problem>();
  expect(problem).toMatchObject({ status, code, type: `urn:shutterline:problem:${code}` });
  expect(JSON.stringify(problem)).not.toContain(error.message); // Only operators see it.
  expect(calls).toBe(1); // The runtime already retries where it may; more retries would only feed an overload.

  // Queues of earlier tests may log at the same time.
  const line = logged.mock.calls.find(([, details]) => details?.requestId === problem.requestId);
  expect(line).toMatchObject([`request failed: ${code}`, { error: String(error), method: "PUT" }]);
});
