/** Routes for the visibility matrices that serve only the owner of a file. They have tests of their own. */
export const OWN_FILE_ROUTES = [
  "POST /media",
  "GET /media/{media}",
  "PATCH /media/{media}",
  "DELETE /media/{media}",
  "POST /media/{media}/inspection",
  "PUT /media/{media}/poster",
  "POST /media/direct",
  "POST /media/{media}/complete",
  "GET /me/media-quota",
  "OPTIONS /uploads",
  "POST /uploads",
  "GET /uploads/{media}",
  "PATCH /uploads/{media}",
  "DELETE /uploads/{media}",
];

/** Routes for the same matrices that show and change nothing but the viewer's own account. */
export const OWN_ACCOUNT_ROUTES = [
  "GET /me/sessions",
  "DELETE /me/sessions",
  "DELETE /me/sessions/{session}",
  "PUT /me/password",
  "GET /me/recovery-codes",
  "POST /me/recovery-codes",
  "POST /recovery",
  "POST /password-resets",
];

/** Routes of moderators, and those about decisions about the viewer. They have tests of their own. */
export const MODERATION_ROUTES = [
  "GET /moderation/queue",
  "GET /moderation/cases/{subject}",
  "POST /moderation/cases/{subject}/decision",
  "POST /moderation/cases/{subject}/restore",
  "GET /moderation/log",
  "GET /moderation/filters",
  "PUT /moderation/filters",
  "DELETE /moderation/filters",
  "POST /moderation/people/{handle}/comments/removal",
  "GET /me/comment-rules",
  "PUT /me/comment-rules/words",
  "PUT /people/{handle}/restriction",
  "DELETE /people/{handle}/restriction",
  "DELETE /me/posts/comments/{handle}",
  "GET /me/decisions",
  "GET /me/decisions/{subject}",
  "POST /me/decisions/{subject}/answer",
];
