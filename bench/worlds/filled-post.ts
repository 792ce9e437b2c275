/**
 * Makes a published post large while the product is stopped: writes into the files of its actor and of D1 what they
 * would hold after many likes and comments, all of them confirmed. Over HTTP a million likes would take an hour. The
 * audit must find both sides equal afterwards. (The author's notifications are left to the next like and comment.)
 *
 * Every column of the actor must be filled in, even one with a default, so that a new column is not forgotten here. The rows
 * of D1 have the product's own types.
 */
import { type CommentId, newId, type PersonId, type PostId, randomShard, shardOf, timeOf } from "../../schema/ids.ts";
import { ALL_FOLLOWER_PARTS } from "../../schema/messages/fan-out.ts";
import { hashOf, type SetHash, unionOfDigests } from "../../schema/set-hash.ts";
import * as d1 from "../../schema/tables/posts.ts";
import { expectAllColumns, insert, insertRows, inTransaction, type Row, update, updateRow } from "./stored-rows.ts";

/** `seq` 1 is the publishing of the post. */
type Like = { person: PersonId; seq: number };
type Comment = { id: CommentId; author: PersonId; text: string; seq: number };
export type Filling = { post: PostId; likes: Like[]; comments: Comment[]; seq: number; digest: SetHash };

/** Makes up the likes and comments of a post. The likers exist only as ids. */
export function fillingOf(post: PostId, likes: number, comments: number, commenters: readonly PersonId[]): Filling {
  // Each id has its own millisecond: ids of one millisecond may collide, and comments are ordered by their ids.
  const likers = Array.from({ length: likes }, (_, index) => newId<PersonId>(randomShard(), timeOf(post) - index));
  return {
    post,
    comments: Array.from({ length: comments }, (_, index) => ({
      id: newId<CommentId>(shardOf(post), timeOf(post) + index + 1),
      author: commenters[index % commenters.length] ?? newId<PersonId>(randomShard()),
      text: `Comment ${index}: where the light comes from is what I keep looking at here.`,
      seq: index + 2,
    })),
    likes: likers.map((person, index) => ({ person, seq: comments + index + 2 })),
    seq: 1 + comments + likes,
    digest: unionOfDigests(
      (function* () {
        for (const person of likers) yield hashOf(person);
      })(),
    ),
  };
}

/** The number of newest people that a post's row keeps. */
const NEWEST_KEPT = 16;

/** The columns of `post` that neither likes nor comments change. */
const UNCHANGED = ["id", "author", "caption", "media", "body_seq", "edited_at", "policy", "pinned", "deleted"];
const SHOWN = 0;

/** Writes the likes and comments into the actor's own file. */
export function fillActor(file: string, { post, likes, comments, seq, digest }: Filling): void {
  inTransaction(file, (database) => {
    const fill = (table: string, rows: readonly Row[]) => {
      expectAllColumns(database, table, rows[0] ?? {});
      insert(database, table, rows);
    };
    const at = timeOf(post);
    const likeRows = likes.map(({ person, seq }, place) => ({
      person,
      liked: 1,
      seq,
      at,
      nth: place + 1,
      was: 1,
    }));
    const commentRows = comments.map(({ id, author, text, seq }) => ({
      id,
      author,
      text,
      seq,
      parent: "",
      reply_to: null,
      likes: 0,
      likers: 0,
      replies: 0,
      told_replies: 0,
      hidden_replies: 0,
      hidden_by: 0,
      moderation: 0,
      state: SHOWN,
      state_seq: 0,
      text_seq: seq,
      edited_at: null,
      told: 1,
      mentions: "[]",
    }));
    const changed = {
      seq,
      likes: likes.length,
      comments: comments.length,
      told_comments: comments.length,
      taken_down: 0,
      moderation: 0,
      confirmed: seq,
      noticed: seq,
      delivered: 1,
      served: ALL_FOLLOWER_PARTS,
      digest: JSON.stringify(digest),
      people: likes.length,
      likes_seq: likes.at(-1)?.seq ?? 0,
      newest: JSON.stringify(likeRows.slice(-NEWEST_KEPT).map(({ person, nth, seq }) => ({ person, nth, seq }))),
      unsaved: 0,
    };
    fill("likes", likeRows);
    fill("comments", commentRows);
    expectAllColumns(database, "post", changed, UNCHANGED);
    update(database, "post", changed);
  });
}

/** Writes the same into D1's file, which holds all shards here. */
export function fillD1(file: string, { post, likes, comments, seq, digest: [a, b, c] }: Filling): void {
  inTransaction(file, (database) => {
    insertRows(
      database,
      d1.likes,
      likes.map(({ person, seq }) => ({ person, post, liked: true, seq })),
    );
    insertRows(
      database,
      d1.comments,
      comments.map((comment) => ({ post, parent: "", ...comment, likes: 0, replies: 0, state: "shown" })),
    );
    insertRows(database, d1.likeDigests, [{ post, likes: likes.length, a, b, c }]);
    const standing = { likes: likes.length, comments: comments.length, seq, projected: seq };
    updateRow(database, d1.postStats, { ...standing, commentsUpTo: comments.at(-1)?.id ?? "" }, { post });
  });
}
