/** Actions of people over the API for tests, and their projection to D1. */
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { Comment, CommentPage, Post } from "../../../schema/api/posts.ts";
import type { PostId } from "../../../schema/ids.ts";
import { project } from "../../../workers/projector/projector.ts";
import { flush, type recordQueues } from "../queues/facts.ts";
import { ask, type signUp } from "./people.ts";
import { readyMedia } from "./posts.ts";

export type Someone = Awaited<ReturnType<typeof signUp>>;

/** Publishes a post over the API, with one ready picture unless `body` has media. */
export async function publish(author: Someone, body: object = {}, headers = {}): Promise<Post> {
  const media = "media" in body ? [] : [{ id: await readyMedia(author.person.id) }];
  const sent = { token: author.token, body: { caption: "Low tide", media, ...body }, headers };
  const response = await ask("POST", "/v1/posts", sent);
  expect(response.status).toBe(201);
  return response.json<Post>();
}

/** Adds a comment over the API. */
export async function comment(by: Someone, post: PostId, text: string, replyTo?: Comment): Promise<Comment> {
  const body = { text, ...(replyTo && { replyTo: replyTo.id }) };
  const response = await ask("POST", `/v1/posts/${post}/comments`, { token: by.token, body });
  expect(response.status).toBe(201);
  return response.json<Comment>();
}

/** Sends a request that must succeed, and returns its response. */
export async function succeed(method: string, path: string, by: Someone, body?: unknown): Promise<Response> {
  const response = await ask(method, path, { token: by.token, body });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return response;
}

/** Projects everything the post's actor has not sent yet to D1. */
export async function projectAll(queues: ReturnType<typeof recordQueues>, post: PostId): Promise<void> {
  await flush(env.POSTS.getByName(post));
  await project(env, queues.facts.splice(0));
}

/** Reads every page of a list of comments. `between` runs after each. */
export async function allPages(
  path: string,
  { as, limit = 3, between, headers = {} }: Walk = {},
): Promise<CommentPage["items"]> {
  const items: CommentPage["items"] = [];
  const options = { ...(as && { token: as.token }), headers };
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const separator = path.includes("?") ? "&" : "?";
    const from: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const response = await ask("GET", `${path}${separator}limit=${limit}${from}`, options);
    expect(response.status).toBe(200);
    const page = await response.json<CommentPage>();
    items.push(...page.items);
    cursor = page.next;
    await between?.();
  }
  return items;
}
type Walk = {
  as?: Someone;
  limit?: number;
  between?: () => Promise<unknown>;
  headers?: Record<string, string>;
};

/** Returns the consistency token of a response as a request header. */
export const tokenOf = (response: Response): Record<string, string> => ({
  "Consistency-Token": response.headers.get("consistency-token") ?? "",
});
