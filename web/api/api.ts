/** The typed API, the only place where the web client calls fetch. Every failure is thrown as an ApiProblem. */
import type { NewRecoveryCodes, RecoveryCodesLeft, SessionList } from "../../schema/api/accounts.ts";
import type { Export } from "../../schema/api/exports.ts";
import type { Media } from "../../schema/api/media.ts";
import type {
  Case,
  CasePage,
  CommentRules,
  LogPage,
  OwnDecision,
  SiteFilter,
  SiteFilters,
} from "../../schema/api/moderation.ts";
import type { MediaId } from "../../schema/ids.ts";
import type { Decision, ReportReason } from "../../schema/moderation.ts";
import type { NotificationPage, Preferences } from "../../schema/api/notifications.ts";
import type {
  NewPasskey,
  Passkey,
  PasskeyCreationOptions,
  PasskeyList,
  PasskeyRequestOptions,
  PasskeySignIn,
} from "../../schema/api/passkeys.ts";
import type { Followed, Me, Muted, PersonCard, Profile, SignedIn } from "../../schema/api/people.ts";
import type { Comment, CommentPage, Liked, NewPost, Post, PostPage } from "../../schema/api/posts.ts";
import { store, stored } from "../browser/storage.ts";
import { ApiProblem, problemIn } from "./problem.ts";

export type PeoplePage = { items: PersonCard[]; next?: string | undefined };
export type EditPost = Partial<Pick<Post, "caption" | "commentPolicy">>;
export type Report = { post?: string; comment?: string; person?: string; reason: ReportReason; words: string };
export type NewDecision = { version: number; decision: Decision; until?: string; reason: string };
export type Captions = { items: { caption: string; at: string }[] };

const TIMEOUT_MS = 30_000;
const TOKEN = "Consistency-Token";
const NO_JSON = Symbol("no JSON");

let sessionExpired = (): void => undefined;

/** Registers the callback for when the API no longer knows the session of a request. */
export const onExpired = (callback: () => void): void => {
  sessionExpired = callback;
};

/** The consistency token: sent with each request, so that people see their own writes from any replica. */
export const consistency = {
  headers(): Record<string, string> {
    const token = stored("consistency-token");
    return token === undefined ? {} : { [TOKEN]: token };
  },
  learn(token: string | null): void {
    if (token) store("consistency-token", token);
  },
  header: TOKEN,
};

/** The idempotency keys of creates without a response yet, by path and body. */
const pendingKeys = new Map<string, string>();

/** Creates something once: a retry after a lost response sends the same key, and gets what the first one created. */
async function create<T>(path: string, body: unknown): Promise<T> {
  const id = `${path} ${JSON.stringify(body)}`;
  const key = pendingKeys.get(id) ?? crypto.randomUUID();
  pendingKeys.set(id, key);
  const created = await request<T>("POST", path, body, { "idempotency-key": key });
  pendingKeys.delete(id);
  return created;
}

async function request<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  const response = await send(path, {
    method,
    headers: {
      ...consistency.headers(),
      ...headers,
      accept: "application/json",
      ...(body !== undefined && { "content-type": body instanceof Blob ? body.type : "application/json" }),
    },
    body: body === undefined ? null : body instanceof Blob ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  consistency.learn(response.headers.get(TOKEN));
  if (!response.ok) {
    const problem = problemIn(await json(response));
    if (problem.code === "not_signed_in") sessionExpired();
    throw problem;
  }
  const result = response.status === 204 ? undefined : await json(response);
  if (result === NO_JSON) throw ApiProblem.local("unreadable");
  return result as T;
}

async function json(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return NO_JSON;
  }
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch {
    throw ApiProblem.local(navigator.onLine ? "unreachable" : "offline");
  }
}

const get = <T>(path: string) => request<T>("GET", path);
const post = <T>(path: string, body: unknown) => request<T>("POST", path, body);

/** Adds the query of one page to `path`. */
function paged(path: string, cursor: string | undefined, limit?: number, more: Record<string, string> = {}): string {
  const query = new URLSearchParams(more);
  if (cursor !== undefined) query.set("cursor", cursor);
  if (limit !== undefined) query.set("limit", String(limit));
  return query.size > 0 ? `${path}?${query}` : path;
}

const person = (handle: string) => `/v1/people/${encodeURIComponent(handle)}`;
const onePost = (id: string) => `/v1/posts/${encodeURIComponent(id)}`;
const oneComment = (post: string, id: string) => `${onePost(post)}/comments/${encodeURIComponent(id)}`;
const oneMedia = (id: string) => `/v1/media/${encodeURIComponent(id)}`;
const putOrDelete = (put: boolean) => (put ? "PUT" : "DELETE");

export const api = {
  signUp: (body: { handle: string; password: string; name?: string }) => post<SignedIn>("/v1/people", body),
  signIn: (body: { handle: string; password: string }) => post<SignedIn>("/v1/sessions", body),
  signOut: () => request<void>("DELETE", "/v1/sessions/current"),
  recover: (body: { handle: string; code: string; password: string }) => post<SignedIn>("/v1/recovery", body),
  resetPassword: (body: { link: string; password: string }) => post<SignedIn>("/v1/password-resets", body),
  changePassword: (body: { current: string; password: string; removePasskeys: boolean }) =>
    request<{ token: string }>("PUT", "/v1/me/password", body),
  sessions: () => get<SessionList>("/v1/me/sessions"),
  endSession: (id: string) => request<void>("DELETE", `/v1/me/sessions/${encodeURIComponent(id)}`),
  endOtherSessions: () => request<void>("DELETE", "/v1/me/sessions"),
  passkeyRequest: () => request<PasskeyRequestOptions>("POST", "/v1/sessions/passkey/options"),
  signInWithPasskey: (answer: PasskeySignIn) => post<SignedIn>("/v1/sessions/passkey", answer),
  passkeys: () => get<PasskeyList>("/v1/me/passkeys"),
  passkeyCreation: (password: string) => post<PasskeyCreationOptions>("/v1/me/passkeys/options", { password }),
  addPasskey: (credential: NewPasskey["credential"]) => post<Passkey>("/v1/me/passkeys", { credential }),
  renamePasskey: (id: string, name: string) =>
    request<void>("PATCH", `/v1/me/passkeys/${encodeURIComponent(id)}`, { name }),
  removePasskey: (id: string) => request<void>("DELETE", `/v1/me/passkeys/${encodeURIComponent(id)}`),
  recoveryCodes: () => get<RecoveryCodesLeft>("/v1/me/recovery-codes"),
  newRecoveryCodes: (password: string) => post<NewRecoveryCodes>("/v1/me/recovery-codes", { password }),
  exportParts: () => post<Export>("/v1/me/export", {}),
  closeAccount: (password: string) => request<void>("DELETE", "/v1/me", { password }),
  me: () => get<Me>("/v1/me"),
  editMe: (body: { handle?: string; name?: string; bio?: string; private?: boolean }) =>
    request<Me>("PATCH", "/v1/me", body),
  setPicture: (media: MediaId) => request<{ media: MediaId }>("PUT", "/v1/me/picture", { media }),
  removePicture: () => request<void>("DELETE", "/v1/me/picture"),

  people: (cursor?: string) => get<PeoplePage>(paged("/v1/people", cursor)),
  profile: (handle: string) => get<Profile>(person(handle)),
  postsOf: (handle: string, cursor?: string) => get<PostPage>(paged(`${person(handle)}/posts`, cursor, 24)),
  followers: (handle: string, cursor?: string, limit?: number) =>
    get<PeoplePage>(paged(`${person(handle)}/followers`, cursor, limit)),
  following: (handle: string, cursor?: string, limit?: number) =>
    get<PeoplePage>(paged(`${person(handle)}/following`, cursor, limit)),
  follow: (handle: string, follow: boolean) => request<Followed>(putOrDelete(follow), `${person(handle)}/follow`),

  feed: (cursor?: string) => get<PostPage>(paged("/v1/feed", cursor, 10)),
  post: (id: string) => get<Post>(onePost(id)),
  publish: (body: NewPost) => create<Post>("/v1/posts", body),
  editPost: (id: string, body: EditPost) => request<Post>("PATCH", onePost(id), body),
  deletePost: (id: string) => request<void>("DELETE", onePost(id)),
  captions: (id: string) => get<Captions>(`${onePost(id)}/captions`),
  like: (id: string, liked: boolean) => request<Liked>(putOrDelete(liked), `${onePost(id)}/like`),
  likers: (id: string, cursor?: string) => get<PeoplePage>(paged(`${onePost(id)}/likes`, cursor)),

  comments: (id: string, order: string, cursor?: string) =>
    get<CommentPage>(paged(`${onePost(id)}/comments`, cursor, undefined, { order })),
  replies: (id: string, comment: string, cursor?: string) =>
    get<CommentPage>(paged(`${oneComment(id, comment)}/replies`, cursor)),
  comment: (id: string, text: string, replyTo?: string) =>
    create<Comment>(`${onePost(id)}/comments`, { text, ...(replyTo !== undefined && { replyTo }) }),
  editComment: (id: string, comment: string, text: string) =>
    request<Comment>("PATCH", oneComment(id, comment), { text }),
  deleteComment: (id: string, comment: string) => request<void>("DELETE", oneComment(id, comment)),
  likeComment: (id: string, comment: string, liked: boolean) =>
    request<Comment>(putOrDelete(liked), `${oneComment(id, comment)}/like`),
  pinComment: (id: string, comment: string, pinned: boolean) =>
    request<Comment>(putOrDelete(pinned), `${oneComment(id, comment)}/pin`),
  hideComment: (id: string, comment: string, hidden: boolean) =>
    request<Comment>(putOrDelete(hidden), `${oneComment(id, comment)}/hidden`),
  media: (id: string) => get<Media>(oneMedia(id)),
  deleteMedia: (id: string) => request<void>("DELETE", oneMedia(id)),
  inspectAgain: (id: string) => request<Media>("POST", `${oneMedia(id)}/inspection`),
  poster: (id: string, jpeg: Blob) => request<unknown>("PUT", `${oneMedia(id)}/poster`, jpeg),

  notifications: (cursor?: string) => get<NotificationPage>(paged("/v1/notifications", cursor)),
  markRead: (upTo: string) => post<void>("/v1/notifications/read", { upTo }),
  preferences: () => get<Preferences>("/v1/notifications/preferences"),
  choosePreferences: (chosen: Preferences) => request<Preferences>("PUT", "/v1/notifications/preferences", chosen),
  isPostMuted: (id: string) => get<Muted>(`${onePost(id)}/mute`),
  mutePost: (id: string, mute: boolean) => request<Muted>(putOrDelete(mute), `${onePost(id)}/mute`),

  pushKey: () => get<{ key: string }>("/v1/push-subscriptions/key"),
  subscribe: (subscription: PushSubscriptionJSON) => request<void>("PUT", "/v1/push-subscriptions", subscription),
  unsubscribe: (endpoint: string) => request<void>("DELETE", "/v1/push-subscriptions", { endpoint }),

  report: (body: Report) => post<unknown>("/v1/reports", body),
  queue: (cursor?: string) => get<CasePage>(paged("/v1/moderation/queue", cursor)),
  decideCase: (subject: string, body: NewDecision) => post<Case>(`/v1/moderation/cases/${subject}/decision`, body),
  restoreCase: (subject: string, body: { version: number; reason: string }) =>
    post<Case>(`/v1/moderation/cases/${subject}/restore`, body),
  removePictureOf: (handle: string, body: { picture: MediaId; reason: string }) =>
    post<void>(`/v1/moderation/people/${encodeURIComponent(handle)}/picture/removal`, body),
  decisions: (cursor?: string) =>
    get<{ items: OwnDecision[]; next?: string | undefined }>(paged("/v1/me/decisions", cursor)),
  answerDecision: (subject: string, text: string) => post<OwnDecision>(`/v1/me/decisions/${subject}/answer`, { text }),
  moderationLog: (cursor?: string) => get<LogPage>(paged("/v1/moderation/log", cursor)),
  siteFilters: () => get<SiteFilters>("/v1/moderation/filters"),
  filterWord: (filter: SiteFilter) => request<SiteFilters>("PUT", "/v1/moderation/filters", filter),
  filterWordNoLonger: (word: string) => request<SiteFilters>("DELETE", "/v1/moderation/filters", { word }),
  commentRules: () => get<CommentRules>("/v1/me/comment-rules"),
  filterWords: (words: string[]) => request<CommentRules>("PUT", "/v1/me/comment-rules/words", { words }),
  restrict: (handle: string, restrict: boolean) =>
    request<unknown>(putOrDelete(restrict), `${person(handle)}/restriction`),
  removeCommentsOf: (handle: string) =>
    request<unknown>("DELETE", `/v1/me/posts/comments/${encodeURIComponent(handle)}`),

  blocks: (cursor?: string) => get<PeoplePage>(paged("/v1/me/blocks", cursor)),
  block: (handle: string, block: boolean) =>
    request<{ blockedByMe: boolean }>(putOrDelete(block), `${person(handle)}/block`),
  mutes: (cursor?: string) => get<PeoplePage>(paged("/v1/me/mutes", cursor)),
  bell: (handle: string, bell: boolean) => request<{ bellByMe: boolean }>(putOrDelete(bell), `${person(handle)}/bell`),
  mute: (handle: string, mute: boolean) => request<{ mutedByMe: boolean }>(putOrDelete(mute), `${person(handle)}/mute`),
  requests: (cursor?: string) => get<PeoplePage>(paged("/v1/me/requests", cursor)),
  decide: (handle: string, accept: boolean) =>
    request<{ followsMe: boolean }>(putOrDelete(accept), `/v1/me/requests/${encodeURIComponent(handle)}`),
  removeFollower: (handle: string) =>
    request<{ followsMe: boolean }>("DELETE", `/v1/me/followers/${encodeURIComponent(handle)}`),
};
