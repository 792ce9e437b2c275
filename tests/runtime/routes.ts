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
