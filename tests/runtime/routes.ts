/** For the matrices of who sees what: routes of which nobody but their owner is told anything, by tests of their own. */

export const OF_OWN_FILES = [
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
