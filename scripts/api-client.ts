/** A typed client of Shutterline's HTTP API, for scripts and tests. */
import type { z } from "zod";
import type { Audit } from "../schema/api/audit.ts";
import type { Problem } from "../schema/api/common.ts";
import type { Media, ProfilePicture } from "../schema/api/media.ts";
import type { NotificationPage } from "../schema/api/notifications.ts";
import type { EditMe, Followed, Me, Profile, SignedIn, SignUp } from "../schema/api/people.ts";
import type { MediaId } from "../schema/ids.ts";
import type { Comment, CommentPage, Liked, NewPost, Post, PostPage } from "../schema/api/posts.ts";

/** The timeout of a request, in ms: longer than a sign-up waits for its turn. `fetch` alone would wait for five minutes. */
const REQUEST_TIMEOUT = 30_000;
const INSPECTION_TIMEOUT = 30_000;
const INSPECTION_POLLED_EVERY = 50;

/** Thrown for a response with an error status. Carries the problem's `code`. */
export class ResponseError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(request: string, status: number, { code, detail }: Partial<Problem>) {
    super(`${request}: ${status} ${code}${detail ? ` (${detail})` : ""}`);
    this.status = status;
    this.code = code ?? "";
  }
}

type Page = { cursor?: string | undefined; limit?: number };
type Body = Uint8Array<ArrayBuffer> | object;

/** The API at `address`, called as the person who holds `token`, or anonymously without one. */
export class Api {
  readonly address: string;
  readonly token: string | undefined;

  constructor(address: string, token?: string) {
    this.address = address;
    this.token = token;
  }

  /** Returns the same API, called with `token`. */
  as({ token }: { token: string }): Api {
    return new Api(this.address, token);
  }

  signUp = (who: z.input<typeof SignUp>) => this.#call<SignedIn>("POST", "/v1/people", who);
  signIn = (handle: string, password: string) => this.#call<SignedIn>("POST", "/v1/sessions", { handle, password });
  signOut = () => this.#call("DELETE", "/v1/sessions/current");

  me = () => this.#call<Me>("GET", "/v1/me");
  editMe = (edit: z.input<typeof EditMe>) => this.#call<Me>("PATCH", "/v1/me", edit);
  person = (handle: string) => this.#call<Profile>("GET", `/v1/people/${handle}`);
  follow = (handle: string) => this.#call<z.infer<typeof Followed>>("PUT", `/v1/people/${handle}/follow`);
  unfollow = (handle: string) => this.#call<z.infer<typeof Followed>>("DELETE", `/v1/people/${handle}/follow`);

  upload = (bytes: Uint8Array<ArrayBuffer>) => this.#call<Media>("POST", "/v1/media", bytes);
  setPicture = (media: MediaId) => this.#call<z.infer<typeof ProfilePicture>>("PUT", "/v1/me/picture", { media });
  media = (id: string) => this.#call<Media>("GET", `/v1/media/${id}`);

  publish = (post: z.input<typeof NewPost>) => this.#call<Post>("POST", "/v1/posts", post);
  post = (id: string) => this.#call<Post>("GET", `/v1/posts/${id}`);
  like = (post: string) => this.#call<Liked>("PUT", `/v1/posts/${post}/like`);
  unlike = (post: string) => this.#call<Liked>("DELETE", `/v1/posts/${post}/like`);
  comment = (post: string, text: string, replyTo?: string) =>
    this.#call<Comment>("POST", `/v1/posts/${post}/comments`, { text, replyTo });
  likeComment = (post: string, comment: string) =>
    this.#call<Comment>("PUT", `/v1/posts/${post}/comments/${comment}/like`);
  pinComment = (post: string, comment: string) =>
    this.#call<Comment>("PUT", `/v1/posts/${post}/comments/${comment}/pin`);

  audit = (post: string) => this.#call<z.infer<typeof Audit>>("GET", `/v1/posts/${post}/audit`);

  feed = (page: Page = {}) => this.#call<PostPage>("GET", `/v1/feed${query(page)}`);
  postsOf = (handle: string, page: Page = {}) =>
    this.#call<PostPage>("GET", `/v1/people/${handle}/posts${query(page)}`);
  comments = (post: string, page: Page = {}) =>
    this.#call<CommentPage>("GET", `/v1/posts/${post}/comments${query(page)}`);
  replies = (post: string, comment: string, page: Page = {}) =>
    this.#call<CommentPage>("GET", `/v1/posts/${post}/comments/${comment}/replies${query(page)}`);
  notifications = (page: Page = {}) => this.#call<NotificationPage>("GET", `/v1/notifications${query(page)}`);

  /** Waits until an upload's inspection ends, and returns the file: ready, or rejected with a reason. */
  async untilInspected(id: string): Promise<Media> {
    const deadline = Date.now() + INSPECTION_TIMEOUT;
    for (;;) {
      const media = await this.media(id);
      if (media.state === "ready" || media.state === "rejected") return media;
      if (Date.now() > deadline) throw new Error(`${id} is still ${media.state} after ${INSPECTION_TIMEOUT} ms`);
      await new Promise((resolve) => setTimeout(resolve, INSPECTION_POLLED_EVERY));
    }
  }

  /** Throws `ResponseError` for an error response, and passes on the error of `fetch` when there is no response. */
  async #call<T>(method: string, path: string, body?: Body): Promise<T> {
    const raw = body instanceof Uint8Array;
    const response = await fetch(this.address + path, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body && !raw && { "content-type": "application/json" }),
      },
      ...(body && { body: raw ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT),
    });
    const text = await response.text();
    if (!response.ok) throw new ResponseError(`${method} ${path}`, response.status, problemOf(text));
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
}

/** Reads a list to its end, page by page. */
export async function listAll<T>(
  list: (page: Page) => Promise<{ items: T[]; next?: string | undefined }>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ cursor, limit: 50 });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return items;
}

function query({ cursor, limit }: Page): string {
  const parameters = new URLSearchParams();
  if (cursor !== undefined) parameters.set("cursor", cursor);
  if (limit !== undefined) parameters.set("limit", String(limit));
  return parameters.size > 0 ? `?${parameters.toString()}` : "";
}

function problemOf(text: string): Partial<Problem> {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return { detail: text.slice(0, 200) };
  }
}
