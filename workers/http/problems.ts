/** The only place that turns refusals into HTTP. Every refusal has a stable code; problem details follow RFC 9457. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Problem } from "../../schema/api/common.ts";
import { Refusal, type RefusalCode } from "../../schema/api/refusals.ts";
import { logError } from "../../schema/log.ts";
import { failureOf, rootOf } from "./failures.ts";

const REFUSALS = {
  invalid_request: [422, "The request is not valid. Check it and try again."],
  unsupported_checksum: [400, "This checksum is not supported. Send sha1, sha256 or md5, in base64."],
  malformed_json: [400, "The body is not valid JSON."],
  invalid_cursor: [400, "This cursor is not valid. Start again from the first page."],
  not_signed_in: [401, "Sign in to continue."],
  not_the_operator: [401, "The operator's token is missing or wrong. Send the value of ADMIN_TOKEN."],
  wrong_credentials: [401, "The handle or the password is wrong. Check both and try again."],
  wrong_passkey: [401, "This passkey does not sign in to any account here. Use another one, or your password."],
  passkey_copied: [
    401,
    "This passkey may have been copied, so it was refused. Sign in with your password, and remove the passkey in your settings.",
  ],
  passkey_not_accepted: [422, "This passkey cannot be accepted. Use another one, or your password."],
  passkey_challenge_over: [409, "This took too long, or it was done already. Try again."],
  weak_password: [422, "This password is too easy to guess. Choose another one."],
  not_yours: [403, "Only the author can do this."],
  not_a_moderator: [403, "Only moderators can do this."],
  suspended: [403, "Your account is suspended, so you can read but not write."],
  comments_off: [403, "Comments on this post are turned off."],
  followers_only: [403, "Only followers of the author can comment on this post."],
  cross_site: [403, "This request came from another site. Try again from our own pages."],
  not_found: [404, "There is nothing at this address. Check the link."],
  post_not_found: [404, "This post is not available. It may have been deleted."],
  comment_not_found: [404, "This comment is not available. It may have been deleted."],
  person_not_found: [404, "This person was not found. Check the handle."],
  notification_not_found: [404, "This notification is not in your inbox. Reload the inbox."],
  media_not_found: [404, "This media file was not found. You may have to upload it again."],
  dead_letter_not_found: [404, "This dead letter was not found. It may have been discarded."],
  push_subscription_not_found: [404, "This push subscription is not one of yours."],
  push_not_set_up: [404, "Pushes are not set up on this deployment."],
  direct_uploads_not_set_up: [
    404,
    "Direct uploads are not set up on this deployment. Send files to /v1/media or /v1/uploads.",
  ],
  request_not_found: [404, "This person has not asked to follow you."],
  session_not_found: [404, "This session is not one of yours, or has already ended."],
  passkey_not_found: [404, "This passkey is not one of yours, or has already been removed."],
  passkeys_not_set_up: [404, "Passkeys do not work at this address. Use your password."],
  passkey_exists: [409, "This passkey is one of yours already."],
  too_many_passkeys: [409, "You have as many passkeys as you can. Remove one first."],
  case_not_found: [404, "There is no such case. It may have been settled long ago."],
  decision_not_found: [404, "There is no such decision about you."],
  handle_taken: [409, "This handle is taken. Choose another one."],
  handle_reserved: [409, "This handle is reserved. Choose another one."],
  handle_changed_lately: [409, "You can change your handle once a day. Try again tomorrow."],
  name_reserved: [422, "This name is reserved. Choose another one."],
  already_published: [409, "This media file is already published."],
  media_not_ready: [409, "This media file is not ready. Check its state before you try again."],
  media_in_use: [409, "This media file is in use: a post shows it or is about to, or it is your profile picture."],
  not_a_picture: [422, "A profile picture must be a picture. Choose a photo, not a video."],
  not_inspected_again: [409, "Another inspection would not change the result. Upload a different file."],
  idempotency_key_reused: [409, "This idempotency key belongs to another request. Use a new one."],
  too_many_comments: [409, "This post has as many comments as a post can have."],
  too_many_mutes: [409, "You have reached the limit of mutes. Unmute something first."],
  cannot_follow_yourself: [409, "You cannot follow yourself."],
  cannot_block_yourself: [409, "You cannot block yourself."],
  not_following: [409, "You do not follow this person. Follow them first."],
  cannot_mute_yourself: [409, "You cannot mute yourself."],
  too_many_follows: [409, "You follow as many people as you can. Unfollow someone first."],
  too_many_requests: [409, "Too many of your follow requests are pending. Wait for a decision or take one back."],
  unblock_first: [409, "You have blocked this person. Unblock them first."],
  already_decided: [409, "Somebody has decided about this in the meantime. Reload it."],
  already_answered: [409, "This decision was answered already, or it is no longer in force."],
  decision_not_possible: [409, "This decision does not fit the case. Choose another one."],
  nothing_to_restore: [409, "Nothing is hidden, taken down or suspended by this case."],
  restore_first: [409, "An earlier decision is in force. Restore what it did, or uphold it."],
  cannot_report_yourself: [409, "You cannot report yourself or what you have written."],
  too_many_restrictions: [409, "You restrict as many people as you can. Allow somebody first."],
  too_many_filters: [409, "There are as many filters as there can be. Remove one first."],
  cannot_restrict_yourself: [409, "You cannot restrict yourself."],
  move_under_way: [409, "Another move of shards is under way. Finish or abort it first."],
  too_late_to_abort: [409, "The new shard map is already published, so this move cannot be aborted."],
  offset_mismatch: [409, "The offset does not match the upload. Read its offset and continue from there."],
  queue_unknown: [409, "The queue of this message is not known, so it can only be discarded."],
  body_too_slow: [408, "The body took too long to arrive. Send it again."],
  length_required: [411, "Send a Content-Length header."],
  unsupported_tus_version: [412, "This server supports tus 1.0.0. Send `Tus-Resumable: 1.0.0`."],
  too_large: [413, "The body is too large. Send a smaller one."],
  range_not_satisfiable: [416, "The file does not have this range of bytes."],
  quota_exceeded: [413, "There is not enough room left for this file. Delete some of your files first."],
  unsupported_type: [415, "This type of content is not supported."],
  upload_busy: [423, "Another request is sending to this upload. Try again in a moment."],
  too_many_uploads: [429, "You have too many unfinished uploads. Finish or delete one first."],
  too_many_exports: [429, "Two downloads of your data are under way. Wait until one of them has ended."],
  too_many_attempts: [429, "Too many attempts. Try again in a minute."],
  rate_limited: [429, "Too many requests in a short time. Try again in a moment."],
  upgrade_required: [426, "Connect to this address with a WebSocket."],
  too_many_subscribers: [503, "Too many live connections are open. Try again later."],
  // Only tus defines this status: https://tus.io/protocols/resumable-upload#checksum
  checksum_mismatch: [460, "The bytes do not match their checksum. Send them again."],
  internal: [500, "Something went wrong on our side. Try again later."],
  busy: [503, "The service is busy. Try again in a few seconds."],
  unavailable: [503, "The service is unavailable right now. Try again in a moment."],
  storage_full: [507, "There is no storage left for this. Try again later."],
} as const satisfies Record<RefusalCode, readonly [status: number, title: string]>;

export const problemStatus = (code: RefusalCode): number => REFUSALS[code][0];
export const problemTitle = (code: RefusalCode): string => REFUSALS[code][1];

/** The seconds after which the same request may succeed. An overloaded actor is still overloaded a second later. */
const RETRY_AFTER: Partial<Record<RefusalCode, number>> = {
  too_many_attempts: 60,
  rate_limited: 60,
  too_many_uploads: 60,
  busy: 10,
  unavailable: 1,
  upload_busy: 1,
};

/**
 * Responds with problem+json. An error that is not a refusal is logged in full; the client only gets a code and a
 * request id.
 */
export function problem(error: Error, c: Context): Response {
  const refusal = asRefusal(error);
  const requestId = c.req.header("cf-ray") ?? crypto.randomUUID();
  const [status, title] = REFUSALS[refusal.code];
  if (status >= 500) {
    const { method, path } = c.req;
    const { code } = refusal;
    const details = { error: String(error), cause: String(rootOf(error)), stack: error.stack };
    logError(`request failed: ${code}`, { requestId, method, path, ...details });
  }
  const retryAfter = refusal.more.retryAfter ?? RETRY_AFTER[refusal.code];
  const { limit } = refusal.more;
  const body: Problem = {
    type: `urn:shutterline:problem:${refusal.code}`,
    title,
    status,
    code: refusal.code,
    ...(refusal.detail && { detail: refusal.detail }),
    ...(refusal.errors && { errors: refusal.errors }),
    ...(limit !== undefined && { limit }),
    requestId,
  };
  return c.body(JSON.stringify(body), status as ContentfulStatusCode, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
  });
}

function asRefusal(error: Error): Refusal {
  if (error instanceof Refusal) return error;
  // Hono itself throws these: 400 for a body that is not JSON, 415 for one that is not declared as JSON.
  if (error instanceof HTTPException && error.status === 400) return new Refusal("malformed_json");
  if (error instanceof HTTPException && error.status === 415) return new Refusal("unsupported_type");
  return new Refusal(failureOf(error) ?? "internal");
}
