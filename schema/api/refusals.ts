/**
 * The reasons for refusing a request, as stable codes for programs. Any layer may throw a refusal; only
 * `workers/http/problems.ts` maps codes to an HTTP status and a title.
 */
import type { Problem } from "./common.ts";

export const REFUSAL_CODES = [
  "invalid_request",
  "unsupported_checksum",
  "malformed_json",
  "invalid_cursor",
  "not_signed_in",
  "not_the_operator",
  "wrong_credentials",
  "wrong_passkey",
  "passkey_copied",
  "passkey_not_accepted",
  "passkey_challenge_over",
  "weak_password",
  "not_yours",
  "not_a_moderator",
  "suspended",
  "comments_off",
  "followers_only",
  "cross_site",
  "not_found",
  "post_not_found",
  "comment_not_found",
  "person_not_found",
  "notification_not_found",
  "media_not_found",
  "dead_letter_not_found",
  "push_subscription_not_found",
  "push_not_set_up",
  "direct_uploads_not_set_up",
  "request_not_found",
  "session_not_found",
  "passkey_not_found",
  "passkeys_not_set_up",
  "passkey_exists",
  "too_many_passkeys",
  "case_not_found",
  "decision_not_found",
  "handle_taken",
  "handle_reserved",
  "handle_changed_lately",
  "name_reserved",
  "already_published",
  "media_not_ready",
  "media_in_use",
  "not_a_picture",
  "not_inspected_again",
  "idempotency_key_reused",
  "too_many_comments",
  "too_many_mutes",
  "cannot_follow_yourself",
  "cannot_block_yourself",
  "not_following",
  "cannot_mute_yourself",
  "too_many_follows",
  "too_many_requests",
  "unblock_first",
  "too_many_restrictions",
  "too_many_filters",
  "cannot_restrict_yourself",
  "already_decided",
  "already_answered",
  "decision_not_possible",
  "nothing_to_restore",
  "restore_first",
  "cannot_report_yourself",
  "move_under_way",
  "too_late_to_abort",
  "offset_mismatch",
  "queue_unknown",
  "body_too_slow",
  "length_required",
  "unsupported_tus_version",
  "too_large",
  "range_not_satisfiable",
  "quota_exceeded",
  "unsupported_type",
  "upload_busy",
  "too_many_uploads",
  "too_many_exports",
  "too_many_attempts",
  "rate_limited",
  "upgrade_required",
  "too_many_subscribers",
  "checksum_mismatch",
  "internal",
  "busy",
  "unavailable",
  "storage_full",
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** `retryAfter`: in s. `limit`: the name of the limit that was reached. */
type More = { retryAfter?: number; limit?: string };

/** A refusal: `code` is for programs, `detail` for people. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly detail: string | undefined;
  readonly errors: Problem["errors"];
  readonly more: More;

  constructor(code: RefusalCode, detail?: string, errors?: Problem["errors"], more: More = {}) {
    super(code);
    this.code = code;
    this.detail = detail;
    this.errors = errors;
    this.more = more;
  }
}
