/** Every refusal has a stable code, and this table alone turns it into HTTP. Problems are RFC 9457. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Problem } from "../../schema/api/common.ts";
import { ApiError, type ErrorCode } from "../../schema/api/refusals.ts";
import { failureOf, rootOf } from "./failures.ts";

const REFUSALS = {
  invalid_request: [422, "The request is not valid"],
  unsupported_checksum: [400, "Checksums by sha1, sha256 and md5 are known"],
  malformed_json: [400, "The body is not JSON"],
  invalid_cursor: [400, "The cursor is not one of ours"],
  not_signed_in: [401, "Sign in first"],
  not_the_operator: [401, "The operator's token is missing or wrong"],
  wrong_credentials: [401, "The handle or the password is wrong"],
  not_yours: [403, "Only the author may do this"],
  comments_off: [403, "Nobody may comment on this post"],
  followers_only: [403, "Only followers of the author may comment on this post"],
  cross_site: [403, "Cookies are not accepted from another site"],
  not_found: [404, "There is nothing here"],
  post_not_found: [404, "There is no such post"],
  comment_not_found: [404, "There is no such comment"],
  person_not_found: [404, "There is no such person"],
  notification_not_found: [404, "There is no such notification"],
  media_not_found: [404, "There is no such media file"],
  dead_letter_not_found: [404, "There is no such dead letter"],
  push_subscription_not_found: [404, "There is no such push subscription of yours"],
  push_not_set_up: [404, "This deployment sends no pushes"],
  direct_uploads_not_set_up: [404, "This deployment takes all files itself"],
  request_not_found: [404, "This person has not asked to follow you"],
  handle_taken: [409, "The handle is taken"],
  already_published: [409, "The media file is published already"],
  media_not_ready: [409, "The media file is not ready"],
  media_in_use: [409, "A post shows the media file, or is about to"],
  not_inspected_again: [409, "Inspecting the media file again would not end otherwise"],
  idempotency_key_reused: [409, "The idempotency key was used for another request"],
  too_many_comments: [409, "The post has all the comments it can have"],
  too_many_mutes: [409, "No more can be muted"],
  cannot_follow_yourself: [409, "You cannot follow yourself"],
  cannot_block_yourself: [409, "You cannot block yourself"],
  not_following: [409, "You do not follow this person"],
  cannot_mute_yourself: [409, "You cannot mute yourself"],
  too_many_follows: [409, "You follow as many people as one can"],
  too_many_requests: [409, "Too many of your requests to follow wait for an answer"],
  unblock_first: [409, "You have blocked this person"],
  move_under_way: [409, "Other shards are being moved"],
  too_late_to_abort: [409, "The new map of the shards is published"],
  offset_mismatch: [409, "The upload stands somewhere else"],
  queue_unknown: [409, "It is not known for which queue this message was"],
  length_required: [411, "Content-Length is required"],
  unsupported_tus_version: [412, "This server speaks version 1.0.0 of tus"],
  too_large: [413, "The body is too large"],
  range_not_satisfiable: [416, "The file has no such bytes"],
  quota_exceeded: [413, "There is no room left for your files"],
  unsupported_type: [415, "This kind of content is not accepted"],
  upload_busy: [423, "Another request is at this upload"],
  too_many_uploads: [429, "Too many of your uploads are not finished"],
  too_many_attempts: [429, "Too many attempts; try again in a minute"],
  upgrade_required: [426, "This is a WebSocket"],
  too_many_subscribers: [503, "Too many are looking on; try again later"],
  // A status of tus alone: https://tus.io/protocols/resumable-upload#checksum
  checksum_mismatch: [460, "The bytes are not those of the checksum"],
  internal: [500, "Something went wrong on our side"],
  busy: [503, "Too much is going on here; try again in a moment"],
  unavailable: [503, "This does not work at the moment; try again"],
  storage_full: [507, "There is no room to store this"],
} as const satisfies Record<ErrorCode, readonly [status: number, title: string]>;

/** When the same request may succeed, in seconds. An overloaded actor is still overloaded a second later. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = {
  too_many_attempts: 60,
  too_many_uploads: 60,
  busy: 10,
  unavailable: 1,
  upload_busy: 1,
};

/** Answers with problem+json. What is not a refusal is logged whole, and told only as a code and a request id. */
export function problem(error: Error, c: Context): Response {
  const refusal = asRefusal(error);
  const requestId = c.req.header("cf-ray") ?? crypto.randomUUID();
  const [status, title] = REFUSALS[refusal.code];
  if (status >= 500) {
    const { method, path } = c.req;
    const { code } = refusal;
    const said = { error: String(error), cause: String(rootOf(error)), stack: error.stack };
    console.error(JSON.stringify({ requestId, method, path, code, ...said }));
  }
  const retryAfter = RETRY_AFTER[refusal.code];
  const body: Problem = {
    type: `urn:shutterline:problem:${refusal.code}`,
    title,
    status,
    code: refusal.code,
    ...(refusal.detail && { detail: refusal.detail }),
    ...(refusal.errors && { errors: refusal.errors }),
    requestId,
  };
  return c.body(JSON.stringify(body), status as ContentfulStatusCode, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
  });
}

function asRefusal(error: Error): ApiError {
  if (error instanceof ApiError) return error;
  // Hono throws these itself: for a body that is not JSON, and for one that does not say it is.
  if (error instanceof HTTPException && error.status === 400) return new ApiError("malformed_json");
  if (error instanceof HTTPException && error.status === 415) return new ApiError("unsupported_type");
  return new ApiError(failureOf(error) ?? "internal");
}
