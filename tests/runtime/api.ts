/** What people do over the API in tests, and how it gets to D1. */
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { Comment, CommentPage, Post } from "../../schema/api/posts.ts";
import type { PostId } from "../../schema/ids.ts";
import { project } from "../../workers/projector/projector.ts";
import { flush, type recordQueues } from "./facts.ts";
import { ask, type signUp } from "./people.ts";
import { readyMedia } from "./posts.ts";

export type Someone = Awaited<ReturnType<typeof signUp>>;

export async function publish(author: Someone, body: object = {}, headers = {}): Promise<Post> {
  const media = "media" in body ? [] : [{ id: await readyMedia(author.person.id) }];
  const sent = { token: author.token, body: { caption: "Low tide", media, ...body }, headers };
  const response = await ask("POST", "/v1/posts", sent);
  expect(response.status).toBe(201);
  return response.json<Post>();
}

export async function comment(by: Someone, post: PostId, text: string, replyTo?: Comment): Promise<Comment> {
  const body = { text, ...(replyTo && { replyTo: replyTo.id }) };
  const response = await ask("POST", `/v1/posts/${post}/comments`, { token: by.token, body });
  expect(response.status).toBe(201);
  return response.json<Comment>();
}

/** Does what must be accepted, and gives back the answer. */
export async function done(method: string, path: string, by: Someone, body?: unknown): Promise<Response> {
  const response = await ask(method, path, { token: by.token, body });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return response;
}

/** Brings to D1 what the post's actor has. */
export async function projectAll(queues: ReturnType<typeof recordQueues>, post: PostId): Promise<void> {
  await flush(env.POSTS.getByName(post));
  await project(env, queues.facts.splice(0));
}

/** Every page of a list of comments; `between` happens after each. */
export async function allPages(
  path: string,
  { as, limit = 3, between, headers = {} }: Walk = {},
): Promise<CommentPage["items"]> {
  const items: CommentPage["items"] = [];
  const asked = { ...(as && { token: as.token }), headers };
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const separator = path.includes("?") ? "&" : "?";
    const from: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const response = await ask("GET", `${path}${separator}limit=${limit}${from}`, asked);
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

/** The token that an answer gives its reader to send back. */
export const tokenOf = (response: Response): Record<string, string> => ({
  "Consistency-Token": response.headers.get("consistency-token") ?? "",
});
