import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { MediaId } from "../../../schema/ids.ts";
import { PART_BYTES } from "../../../schema/media/upload-limits.ts";
import { metered } from "../../../tests/runtime/stores/metered.ts";
import { ask } from "../../../tests/runtime/world/people.ts";
import { CHUNK, fileOf, MP4, newClient, quietEnv } from "../../../tests/runtime/media/uploads.ts";

/** Records the names of the methods called on `target`, and on the actors and multipart uploads that it returns. */
function watched<T extends object>(target: T, calls: string[], only: (name: string) => boolean = () => true): T {
  return new Proxy(target, {
    get: (object, name) => {
      const value: unknown = Reflect.get(object, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (only(String(name))) calls.push(String(name));
        const answer: unknown = Reflect.apply(value, object, args);
        if (name === "resumeMultipartUpload" || name === "getByName") return watched(answer as object, calls, only);
        return answer;
      };
    },
  });
}

/** Returns an environment that meters D1 and records the calls of R2 and of actors. */
function watchedEnv() {
  const { env: bindings, meter } = metered(quietEnv);
  const [r2, actors]: string[][] = [[], []];
  const all: Env = {
    ...bindings,
    MEDIA: watched(env.MEDIA, r2 ?? [], (name) => name !== "resumeMultipartUpload"),
    UPLOADS: watched(env.UPLOADS, actors ?? [], (name) => name !== "getByName"),
  };
  return { env: all, spent: () => ({ ...meter, r2, actors, rowsRead: undefined }) };
}

it("costs two queries for a file in one request, besides the session's", async () => {
  const { token } = await newClient();
  const { env: bindings, spent } = watchedEnv();
  const file = fileOf(1000);
  const headers = { "content-length": "1000" };
  expect((await ask("POST", "/v1/media", { token, raw: file, headers, env: bindings })).status).toBe(201);
  // 5 at the start (the row, its three indexes, the person's bytes), 3 at the end. One query is for the key of tokens,
  // which an isolate reads once.
  expect(spent()).toEqual({ queries: 4, rowsWritten: 8, rowsRead: undefined, r2: ["put"], actors: [] });
});

it("costs a resumable upload two more calls of its actor, and one per chunk", async () => {
  const { token } = await newClient();
  const { env: bindings, spent } = watchedEnv();
  const file = fileOf(PART_BYTES + 1000, MP4);
  const send = (method: string, path: string, headers: Record<string, string>, raw?: BodyInit) =>
    ask(method, path, {
      token,
      env: bindings,
      headers: { "Tus-Resumable": "1.0.0", "content-type": CHUNK, ...headers },
      ...(raw !== undefined && { raw }),
    });
  const begun = await send("POST", "/v1/uploads", { "Upload-Length": String(file.length) });
  const path = begun.headers.get("location") ?? "";
  expect(spent()).toMatchObject({ queries: 3, rowsWritten: 5, actors: ["begin"] });
  const stored: string[] = [];
  await runInDurableObject(env.UPLOADS.getByName(path.split("/").at(-1) as MediaId), (instance) => {
    const bucket = watched(env.MEDIA, stored, (name) => name !== "resumeMultipartUpload");
    Object.assign(instance, { env: { ...env, MEDIA: bucket } });
  });
  await send("PATCH", path, { "Upload-Offset": "0" }, file.slice(0, 1000));
  expect((await send("PATCH", path, { "Upload-Offset": "1000" }, file.slice(1000))).status).toBe(204);

  // Three of the queries are for sessions, and one for the key of tokens.
  expect(spent()).toEqual({
    queries: 6,
    rowsWritten: 8,
    rowsRead: undefined,
    r2: [],
    actors: ["begin", "fetch", "fetch", "end"],
  });
  expect(stored).toEqual(["createMultipartUpload", "uploadPart", "uploadPart", "complete"]);
});
