/** What a post's actor tells a relay: how the post stands, and which comments have changed since some `seq`. */
import type { PersonCard } from "../../schema/api/people.ts";
import type { CommentFact, PostStanding } from "../../schema/messages/facts.ts";
import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";
import { peopleByIds } from "../../schema/d1/people-cards.ts";
import type { CommentThreads } from "./comments/comment-threads.ts";
import { standingOf } from "./outbox/outbox.ts";
import type { PostRecord } from "./post-record.ts";

/** Of one window; the next one goes on. */
const COMMENTS_PER_WINDOW = 50;
/** Who has missed more changed comments than this is told to read them again. */
const COMMENTS_RESUMED = 500;

/** A comment that has changed, and who may see it. `threadAuthor`: who wrote the comment that it is a reply to. */
export type Change = { id: CommentId; seq: number } & (
  { seenBy: "nobody" } | { seenBy: "everyone" | "author"; comment: CommentFact; threadAuthor: PersonId | null }
);

/** Everything with a `seq` above `from` and up to `to`. It is nobody's view: `frameOf` makes each viewer's own of it. */
export type PostWindow = {
  post: PostId;
  author: PersonId;
  from: number;
  to: number;
  /** How it stands now, which may be further on than `to`. */
  standing: PostStanding;
  changes: Change[];
  /** Those who are named in `changes`. */
  people: PersonCard[];
  /** Too much has changed for `changes` to hold. */
  reread: boolean;
};

/** `since` undefined: nothing but how it stands. One D1 query for the names of who wrote, if a comment has changed. */
export async function windowSince(
  env: Env,
  { record, comments }: { record: PostRecord; comments: CommentThreads },
  since: number | undefined,
): Promise<PostWindow> {
  const { id: post, author } = record.row;
  const standing = standingOf(record.row);
  const from = Math.min(since ?? standing.seq, standing.seq);
  const reread = comments.changedSince(from, COMMENTS_RESUMED) >= COMMENTS_RESUMED;
  const { changes, to } = reread ? { changes: [], to: standing.seq } : comments.changes(from + 1, COMMENTS_PER_WINDOW);
  const told = changes.map((comment) => changeOf(comment, comments));
  const named = told.flatMap((change) => (change.seenBy === "nobody" ? [] : peopleNamed(change.comment)));
  const people = named.length > 0 ? await peopleByIds(env, named) : new Map<PersonId, PersonCard>();
  return { post, author, from, to, standing, changes: told, people: [...people.values()], reread };
}

/** Who wrote a comment, and whom it answers. */
export const peopleNamed = ({ author, replyTo }: CommentFact): PersonId[] => (replyTo ? [author, replyTo] : [author]);

function changeOf(comment: CommentFact, comments: CommentThreads): Change {
  const { id, seq, parent } = comment;
  if (!comments.existing(id)) return { id, seq, seenBy: "nobody" };
  const seenBy = comments.shown(id) ? "everyone" : "author";
  const threadAuthor = parent === "" ? null : (comments.existing(parent)?.author ?? null);
  return { id, seq, seenBy, comment, threadAuthor };
}
