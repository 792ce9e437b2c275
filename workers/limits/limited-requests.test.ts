import { expect, it } from "vitest";
import { LIMIT_NAMES } from "../../schema/limits/limits.ts";
import { ask } from "../../tests/runtime/world/people.ts";
import { isNamed, limitOf } from "./limited-requests.ts";

type Paths = Record<string, Record<string, unknown>>;
const METHODS = new Set(["get", "post", "put", "patch", "delete"]);
const ID = "0123456789abc";

/** All operations, with ids for their parameters. */
async function operations(): Promise<[method: string, path: string][]> {
  const { paths } = await (await ask("GET", "/v1/openapi.json")).json<{ paths: Paths }>();
  const ofApi = Object.entries(paths).filter(([path]) => path.startsWith("/v1/"));
  return ofApi.flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => METHODS.has(method))
      .map((method): [string, string] => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, ID)]),
  );
}

it("names a limit for every write, and for no read but live sockets", async () => {
  const all = await operations();
  const [reads, writes] = [true, false].map((isRead) => all.filter(([method]) => (method === "GET") === isRead));
  expect(writes?.length).toBeGreaterThan(40);
  expect(writes?.filter(([method, path]) => !isNamed(method, path))).toEqual([]);
  expect(reads?.filter(([method, path]) => limitOf(method, path)).map(([, path]) => path)).toEqual(["/v1/live"]);
});

it("uses every limit of people", async () => {
  const used = new Set((await operations()).map(([method, path]) => limitOf(method, path)));
  const elsewhere = ["mention", "visitor-live", "sign-up", "sign-in", "operator"];
  const ofRoutes = LIMIT_NAMES.filter((name) => !elsewhere.some((other) => name.startsWith(other)));
  expect(ofRoutes.filter((name) => !used.has(name))).toEqual([]);
});

it.each([
  ["PUT", `/v1/posts/${ID}/like`, "like"],
  ["DELETE", `/v1/posts/${ID}/like`, "like"],
  ["PUT", `/v1/posts/${ID}/comments/${ID}/like`, "like"],
  ["PUT", `/v1/posts/${ID}/comments/${ID}/pin`, "comment"],
  ["DELETE", `/v1/posts/${ID}`, "post"],
  ["PATCH", "/v1/me", "account"],
  ["DELETE", "/v1/sessions/current", undefined],
  ["POST", "/v1/sessions", undefined],
  ["PUT", "/v1/something/else", "account"],
  ["QUERY", "/v1/feed", "account"],
  ["GET", "/v1/feed", undefined],
])("counts %s %s as %s", (method, path, limit) => {
  expect(limitOf(method, path)).toBe(limit);
});
