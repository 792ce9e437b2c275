/** Operations on people: on the author, and on lists in which they appear. */
import { aboutPerson, listed, NO_PERSON, ofPerson, own, type Row, signedIn, WITH, WITHOUT } from "./outcomes.ts";
import { isBlock, isFollower, isPrivate, sees, type State, type Viewer } from "./viewers.ts";

const NO_REQUEST = "404 request_not_found";
const self = (code: string) => `409 ${code}`;

/** For operations on the author that the author cannot do to themselves. */
const toAuthor = (code: string, others: string | ((viewer: Viewer, state: State) => string)) =>
  signedIn(
    aboutPerson((viewer, state) => {
      if (viewer === "author") return self(code);
      return typeof others === "string" ? others : others(viewer, state);
    }),
  );

export const READS_OF_PEOPLE: Row[] = [
  // A private person's profile and what they write elsewhere stay visible.
  ["GET /people/{handle}", ofPerson(() => WITH)],
  ["GET /people/{handle}/posts", ofPerson((viewer, state) => (sees(viewer, state) ? WITH : WITHOUT))],
  ["GET /people/{handle}/followers", ofPerson(() => WITHOUT)],
  ["GET /people/{handle}/following", ofPerson(() => WITHOUT)],
  ["GET /people/{handle}/followers", listed, { with: { handle: "other" } }],
  ["GET /people/{handle}/following", listed, { with: { handle: "other" } }],
  ["GET /people", (viewer, state) => (state === "closed" ? WITHOUT : listed(viewer, state)), { query: "?limit=50" }],
  ["GET /me/blocks", signedIn((viewer) => (viewer === "blocker" || viewer === "both" ? WITH : WITHOUT))],
  ["GET /me/mutes", signedIn((viewer) => (viewer === "muter" ? WITH : WITHOUT))],
  ["GET /me/requests", signedIn(WITHOUT)],
  // There is a notification of a comment on the post, as if something late had written it.
  ["GET /notifications", signedIn((viewer, state) => (sees(viewer, state) ? WITH : WITHOUT))],
];

/** Whether the viewer is no follower even after the follow above, which only asks a private person. */
const staysStranger = (viewer: Viewer, state: State): boolean =>
  (isPrivate(state) || state === "closed") && !isFollower(viewer);

/** Last, because they change who sees what. */
export const WRITES_TO_PEOPLE: Row[] = [
  ["PUT /people/{handle}/mute", toAuthor("cannot_mute_yourself", "200")],
  ["DELETE /people/{handle}/mute", toAuthor("cannot_mute_yourself", "200")],
  ["PUT /me/requests/{handle}", signedIn(aboutPerson(() => NO_REQUEST))],
  ["DELETE /me/requests/{handle}", signedIn(aboutPerson(() => "200"))],
  ["DELETE /me/followers/{handle}", signedIn(aboutPerson(() => "200"))],
  [
    "PUT /people/{handle}/follow",
    toAuthor("cannot_follow_yourself", (viewer, state) => {
      if (state === "closed") return NO_PERSON;
      return isBlock(viewer) ? "409 unblock_first" : "200";
    }),
  ],
  [
    "PUT /people/{handle}/bell",
    signedIn(
      aboutPerson((viewer, state) =>
        viewer === "author" || isBlock(viewer) || staysStranger(viewer, state) ? "409 not_following" : "200",
      ),
    ),
  ],
  ["DELETE /people/{handle}/bell", signedIn(aboutPerson(() => "200"))],
  ["DELETE /people/{handle}/follow", toAuthor("cannot_follow_yourself", "200")],
  ["PUT /people/{handle}/block", own("200", "409 cannot_block_yourself")],
  ["DELETE /people/{handle}/block", own("200", "409 cannot_block_yourself")],
];
