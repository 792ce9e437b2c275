/** Operations on the viewer's own account and files, and on files of the author. */
import { always, own, type Row, signedIn, WITH, WITHOUT } from "./outcomes.ts";

const INVALID = "422 invalid_request";
const TUS = { headers: { "tus-resumable": "1.0.0" } };
const UP_TO = { body: { upTo: "2020-01-01T00:00:00Z" } };
const ENDPOINT = "https://push.invalid/1";
const KEYS = { p256dh: "A".repeat(87), auth: "A".repeat(22) };
const NO_FILE = "404 media_not_found";

export const OWN: Row[] = [
  ["GET /me", own(WITHOUT, WITH)],
  ["GET /me/media-quota", signedIn(WITHOUT)],
  ["GET /notifications/preferences", signedIn(WITHOUT)],
  ["PUT /notifications/preferences", signedIn("200"), { body: {} }],
  ["POST /notifications/read", signedIn("204"), UP_TO],
  ["POST /notifications/{notification}/read", signedIn("404 notification_not_found"), UP_TO],
  ["GET /push-subscriptions/key", always("404 push_not_set_up")],
  ["PUT /push-subscriptions", signedIn("404 push_not_set_up"), { body: { endpoint: ENDPOINT, keys: KEYS } }],
  ["DELETE /push-subscriptions", signedIn("404 push_subscription_not_found"), { body: { endpoint: ENDPOINT } }],
  ["POST /people", always(INVALID), { body: {} }],
  ["POST /sessions", always(INVALID), { body: {} }],
  ["GET /me/sessions", signedIn(WITHOUT)],
  ["DELETE /me/sessions/{session}", signedIn("404 session_not_found")],
  ["PUT /me/password", always(INVALID), { body: {} }],
  ["GET /me/passkeys", signedIn(WITHOUT)],
  ["POST /me/passkeys/options", always(INVALID), { body: {} }],
  ["POST /me/passkeys", always(INVALID), { body: {} }],
  ["PATCH /me/passkeys/{passkey}", signedIn("404 passkey_not_found"), { body: { name: "Mine" } }],
  ["DELETE /me/passkeys/{passkey}", signedIn("404 passkey_not_found")],
  ["POST /sessions/passkey/options", always("200")],
  ["POST /sessions/passkey", always(INVALID), { body: {} }],
  ["GET /me/recovery-codes", signedIn(WITHOUT)],
  ["POST /me/recovery-codes", always(INVALID), { body: {} }],
  ["POST /recovery", always(INVALID), { body: {} }],
  ["POST /password-resets", always(INVALID), { body: {} }],
  ["DELETE /me", always(INVALID), { body: {} }],
  ["POST /me/export", signedIn("200")],
  ["GET /me/export/data", signedIn(WITH)], // It lists what the viewer has liked and said.
  ["GET /me/export/files", signedIn(WITHOUT)],
  ["GET /live", always("426 upgrade_required")],
  ["POST /live/tickets", signedIn("201")],

  // The author's file, which the post shows.
  ["GET /media/{id}", own(NO_FILE, WITHOUT)],
  ["PATCH /media/{id}", own(NO_FILE, "200"), { body: { alt: "Mine" } }],
  ["DELETE /media/{id}", own(NO_FILE, "409 media_in_use")],
  ["POST /posts", own(NO_FILE, "201"), { body: { media: [{ id: "{id}" }] } }],
  ["POST /media/{id}/inspection", own(NO_FILE, "202")],
  ["POST /media/{id}/complete", own(NO_FILE, "200"), { body: { parts: [{ number: 1, etag: "x" }] } }],
  ["PUT /media/{id}/poster", signedIn("411 length_required"), { raw: "no picture" }],
  ["PUT /me/picture", own(NO_FILE, "409 already_published"), { body: { media: "{id}" } }],
  ["DELETE /me/picture", signedIn("204")],
  ["POST /media", signedIn("411 length_required"), { raw: "no picture" }],
  ["POST /media/direct", signedIn("404 direct_uploads_not_set_up"), { body: { bytes: 1000 } }],
  ["OPTIONS /uploads", always("204")],
  ["POST /uploads", signedIn("412 unsupported_tus_version")],
  ["GET /uploads/{id}", own(NO_FILE, "204 without"), TUS],
  ["PATCH /uploads/{id}", signedIn("415 unsupported_type"), TUS],
  ["DELETE /uploads/{id}", signedIn(NO_FILE), TUS],
];

/** The very last. */
export const ENDINGS: Row[] = [
  ["PATCH /me", own("200"), { body: { name: "Somebody else" } }],
  ["DELETE /me/sessions", signedIn("204")],
  ["DELETE /sessions/current", signedIn("204")],
];
