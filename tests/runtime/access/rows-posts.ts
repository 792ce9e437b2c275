/** Operations on posts: on the author's, and on somebody else's where the author has spoken. */
import {
  byAuthor,
  listed,
  NO_POST,
  NOT_YOURS,
  onComment,
  readsPost,
  type Row,
  signedIn,
  WITH,
  WITHOUT,
  writesToPost,
} from "./outcomes.ts";
import { isFollower, sees, seesDespiteBlocks, type State, type Viewer } from "./viewers.ts";

const COMMENTS = readsPost(WITHOUT, WITH); // The author has commented too.

export const READS_OF_POSTS: Row[] = [
  ["GET /posts/{post}", readsPost(WITH)],
  ["GET /posts/{post}/comments", COMMENTS],
  ["GET /posts/{post}/comments", COMMENTS, { query: "?order=newest" }],
  ["GET /posts/{post}/comments", COMMENTS, { query: "?order=most_liked" }],
  ["GET /posts/{post}/comments/{comment}/replies", readsPost(WITHOUT)],
  ["GET /posts/{post}/likes", COMMENTS],
  ["GET /posts/{post}/audit", readsPost(WITHOUT)],
  ["GET /posts/{post}/captions", byAuthor(WITHOUT)],
  ["GET /posts/{post}/mute", signedIn(WITHOUT)],
  // The feed of somebody in a block with the author holds the post, as if something late had put it there.
  [
    "GET /feed",
    signedIn((viewer, state) =>
      sees(viewer, state) && (viewer === "author" || (isFollower(viewer) && viewer !== "muter")) ? WITH : WITHOUT,
    ),
  ],

  ["GET /posts/{post}", () => WITHOUT, { with: { post: "third" } }],
  ["GET /posts/{post}/comments", listed, { with: { post: "third" } }],
  ["GET /posts/{post}/comments", listed, { with: { post: "third" }, query: "?order=newest" }],
  ["GET /posts/{post}/comments", listed, { with: { post: "third" }, query: "?order=most_liked" }],
  ["GET /posts/{post}/comments/{comment}/replies", listed, { with: { post: "third", comment: "byOther" } }],
  ["GET /posts/{post}/comments/{comment}/replies", onComment(WITH), { with: { post: "third", comment: "byAuthor" } }],
  ["GET /posts/{post}/likes", listed, { with: { post: "third" } }],
];

const mayUnlike = (viewer: Viewer, state: State) => seesDespiteBlocks(viewer, state) && state !== "taken down";

export const WRITES_TO_POSTS: Row[] = [
  ["PATCH /posts/{post}", byAuthor("200"), { body: { caption: "Mine" } }],
  ["PUT /posts/{post}/like", writesToPost("200")],
  ["POST /posts/{post}/comments", writesToPost("201"), { body: { text: "Hello" } }],
  ["POST /posts/{post}/comments", writesToPost("201"), { body: { text: "Hello", replyTo: "{comment}" } }],
  ["PUT /posts/{post}/comments/{comment}/like", writesToPost("200")],
  ["DELETE /posts/{post}/comments/{comment}/like", writesToPost("200")],
  ["PUT /posts/{post}/comments/{comment}/pin", byAuthor("200")],
  ["DELETE /posts/{post}/comments/{comment}/pin", byAuthor("200")],
  ["PUT /posts/{post}/comments/{comment}/hidden", byAuthor("200")],
  ["DELETE /posts/{post}/comments/{comment}/hidden", byAuthor("200")],
  ["PUT /posts/{post}/mute", signedIn(readsPost("200"))],
  ["DELETE /posts/{post}/mute", signedIn("200")],
  [
    "PATCH /posts/{post}/comments/{comment}",
    writesToPost("200"),
    { with: { comment: "mine" }, body: { text: "More" } },
  ],
  ["PATCH /posts/{post}/comments/{comment}", writesToPost(NOT_YOURS), { body: { text: "More" } }],
  // People may always take back what they have said and liked. The answer to the latter has the post's counts.
  [
    "DELETE /posts/{post}/comments/{comment}",
    signedIn((_, state) => (state === "deleted" ? NO_POST : "204")),
    { with: { comment: "doomed" } },
  ],
  ["DELETE /posts/{post}/like", signedIn((viewer, state) => (mayUnlike(viewer, state) ? "200" : NO_POST))],
  [
    "DELETE /posts/{post}/comments/{comment}",
    signedIn((viewer, state) => (viewer === "author" && state !== "deleted" ? "204" : byAuthor("204")(viewer, state))),
  ],
  // The author may repeat it.
  ["DELETE /posts/{post}", signedIn((viewer, state) => (viewer === "author" ? "204" : byAuthor("204")(viewer, state)))],

  [
    "POST /posts/{post}/comments",
    signedIn(onComment("201")),
    { with: { post: "third" }, body: { text: "Oh", replyTo: "{byAuthor}" } },
  ],
  [
    "POST /posts/{post}/comments",
    signedIn(onComment("201")),
    { with: { post: "third" }, body: { text: "Oh", replyTo: "{toAuthor}" } },
  ],
  [
    "POST /posts/{post}/comments",
    signedIn("201"),
    { with: { post: "third" }, body: { text: "Oh", replyTo: "{byOther}" } },
  ],
  [
    "PUT /posts/{post}/comments/{comment}/like",
    signedIn(onComment("200")),
    { with: { post: "third", comment: "byAuthor" } },
  ],
  ["PUT /posts/{post}/comments/{comment}/like", signedIn("200"), { with: { post: "third", comment: "byOther" } }],
];
