/** The message from a post's actor to a relay: the standing, and the comments that have changed since some `seq`. */
import type { PersonCard } from "../../schema/api/people.ts";
import type { CommentFact } from "../../schema/messages/facts.ts";
import type { PostStanding } from "../../schema/posts.ts";
import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";
import { peopleByIds } from "../../schema/d1/person-cards.ts";
import type { CommentThreads } from "./comments/comment-threads.ts";
import { standingOf } from "./outbox/outbox.ts";
import type { PostRecord } from "./post-record.ts";

/** The most comments in one window. The next window goes on from its end. */
const COMMENTS_PER_WINDOW = 50;
/** A client that has missed this many changed comments or more must read the comments again. */
const COMMENTS_RESUMED = 500;

/**
 * A comment that has changed, and who may see it: the post's author and the comment's own see a hidden one.
 * `threadAuthor`: the author of the comment whose thread it is in, which may be hidden too.
 */
export type Change = { id: CommentId; seq: number } & (
  | { seenBy: "nobody" }
  | {
      seenBy: "everyone" | "author";
      comment: CommentFact;
      threadAuthor: PersonId | null;
      isThreadHidden: boolean;
    }
);

/** All changes with a `seq` above `from` and up to `to`, before `frameOf` selects what each viewer may see. */
export type PostWindow = {
  post: PostId;
  author: PersonId;
  from: number;
  to: number;
  /** The present standing, whose `seq` may be above `to`. */
  standing: PostStanding;
  changes: Change[];
  /** The people named in `changes`. */
  people: PersonCard[];
  /** Whether too much has changed for `changes`, so that a client must read the comments again. */
  reread: boolean;
};

/**
 * Reads the changes since `since`, or the standing alone if it is undefined. Costs one D1 query for people's names if a
 * comment has changed.
 */
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
  const listed = changes.map((comment) => changeOf(comment, comments));
  const named = listed.flatMap((change) => (change.seenBy === "nobody" ? [] : peopleNamed(change.comment)));
  const people = named.length > 0 ? await peopleByIds(env, named) : new Map<PersonId, PersonCard>();
  return { post, author, from, to, standing, changes: listed, people: [...people.values()], reread };
}

/** The author of a comment and the person it replies to. */
export const peopleNamed = ({ author, replyTo }: CommentFact): PersonId[] => (replyTo ? [author, replyTo] : [author]);

function changeOf(comment: CommentFact, comments: CommentThreads): Change {
  const { id, seq, parent } = comment;
  if (!comments.existing(id)) return { id, seq, seenBy: "nobody" };
  const seenBy = comments.shown(id) ? "everyone" : "author";
  const threadAuthor = parent === "" ? null : (comments.existing(parent)?.author ?? null);
  const isThreadHidden = parent !== "" && !comments.shown(parent);
  return { id, seq, seenBy, comment, threadAuthor, isThreadHidden };
}
