/** Reports, the acts of moderators, what authors may do about comments, and decisions about the viewer. */
import { NO_COMMENT, NO_PERSON, NO_POST, type Outcome, own, type Row, signedIn, WITH, WITHOUT } from "./outcomes.ts";
import { isBlock, sees, seesPerson, type State, type Viewer } from "./viewers.ts";

const byModerator = (outcome: string | Outcome): Outcome =>
  signedIn((viewer, state) => {
    if (viewer !== "moderator") return "403 not_a_moderator";
    return typeof outcome === "string" ? outcome : outcome(viewer, state);
  });

/** The subject of these rows is the post. */
const aboutPost =
  (decided: string, undecided: string): Outcome =>
  (_, state) =>
    state === "taken down" ? decided : undecided;
const toAuthor = (outcome: string): Outcome =>
  signedIn((viewer, state) => (viewer === "author" && state === "taken down" ? outcome : NO_DECISION));
/** Whether there is a decision about the viewer or what they have published. */
const isDecided = (viewer: Viewer, state: State): boolean =>
  viewer === "author" && ["taken down", "suspended", "closed"].includes(state);

const DECIDED = "409 already_decided";
const [NO_CASE, NO_DECISION, OWN_REPORT] = [
  "404 case_not_found",
  "404 decision_not_found",
  "409 cannot_report_yourself",
];
const OWN_RESTRICTION = "409 cannot_restrict_yourself";
const FILTER = { body: { word: "accessmatrixword", action: "hold" } };
const BECAUSE = { version: 0, reason: "Because" };

export const MODERATION: Row[] = [
  ["GET /moderation/queue", byModerator(WITHOUT)],
  ["GET /moderation/cases/{subject}", byModerator(aboutPost(WITH, NO_CASE))],
  [
    "POST /moderation/cases/{subject}/decision",
    byModerator(aboutPost(DECIDED, NO_CASE)),
    { body: { ...BECAUSE, decision: "keep" } },
  ],
  ["POST /moderation/cases/{subject}/restore", byModerator(aboutPost(DECIDED, NO_CASE)), { body: BECAUSE }],
  ["GET /moderation/log", signedIn("403 not_a_moderator")],
  ["GET /moderation/filters", byModerator(WITHOUT)],
  ["PUT /moderation/filters", byModerator("200"), FILTER],
  ["DELETE /moderation/filters", byModerator("200"), { body: { word: "accessmatrixword" } }],

  ["GET /me/decisions", signedIn((viewer, state) => (isDecided(viewer, state) ? WITH : WITHOUT))],
  ["GET /me/decisions/{subject}", toAuthor(WITH)],
  ["POST /me/decisions/{subject}/answer", toAuthor("200"), { body: { text: "Because" } }],
  ["GET /me/comment-rules", signedIn(WITHOUT)],
  ["PUT /me/comment-rules/words", signedIn("200"), { body: { words: [] } }],
  ["PUT /people/{handle}/restriction", own("200", OWN_RESTRICTION)],
  ["DELETE /people/{handle}/restriction", own("200", OWN_RESTRICTION)],
];

export const REPORTS: Row[] = [
  [
    "POST /reports",
    signedIn((viewer, state) => (!sees(viewer, state) ? NO_POST : viewer === "author" ? OWN_REPORT : "202")),
    { body: { post: "{post}", reason: "spam" } },
  ],
  [
    "POST /reports",
    signedIn((viewer) => (isBlock(viewer) ? NO_COMMENT : viewer === "author" ? OWN_REPORT : "202")),
    { body: { post: "{third}", comment: "{byAuthor}", reason: "spam" } },
  ],
  [
    "POST /reports",
    signedIn((viewer, state) => (!seesPerson(viewer, state) ? NO_PERSON : viewer === "author" ? OWN_REPORT : "202")),
    { body: { person: "{handle}", reason: "spam" } },
  ],
];

/** They remove comments and pictures. */
export const REMOVALS: Row[] = [
  [
    "POST /moderation/people/{handle}/picture/removal",
    byModerator("204"),
    { body: { picture: "{id}", reason: "Because" } },
  ],
  ["DELETE /me/posts/comments/{handle}", own("202", OWN_RESTRICTION)],
  ["POST /moderation/people/{handle}/comments/removal", byModerator("202"), { body: { reason: "Because" } }],
];
