/**
 * Makes a published post large while the product is stopped: writes into the files of its actor and of D1 what they
 * would hold after many likes and comments, all of them confirmed. Over HTTP a million likes would take an hour. The
 * audit must find both sides equal afterwards. (The author's notifications are left to the next like and comment.)
 */
import { type CommentId, newId, type PersonId, type PostId, randomShard, shardOf, timeOf } from "../../schema/ids.ts";
import { hashOf, type SetHash, unionOfDigests } from "../../schema/set-hash.ts";
import { insert, inTransaction, update } from "./stored-rows.ts";

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

/** Writes the likes and comments into the actor's own file. */
export function fillActor(file: string, { post, likes, comments, seq, digest }: Filling): void {
  inTransaction(file, (database) => {
    const at = timeOf(post);
    insert(database, "likes", likes, ({ person, seq }) => ({ person, liked: 1, seq, at, was: 1 }));
    insert(database, "comments", comments, ({ id, author, text, seq }) => ({ id, author, text, seq }));
    update(database, "post", {
      seq,
      likes: likes.length,
      comments: comments.length,
      confirmed: seq,
      delivered: 1,
      digest: JSON.stringify(digest),
      people: likes.length,
      likes_seq: likes.at(-1)?.seq ?? 0,
      newest: JSON.stringify(likes.slice(-16).map(({ person, seq }) => ({ person, seq, at }))),
    });
  });
}

/** Writes the same into D1's file, which holds all shards here. */
export function fillD1(file: string, { post, likes, comments, seq, digest: [a, b, c] }: Filling): void {
  inTransaction(file, (database) => {
    insert(database, "likes", likes, ({ person, seq }) => ({ person, post, liked: 1, seq }));
    insert(database, "comments", comments, (comment) => ({
      post,
      parent: "",
      ...comment,
      likes: 0,
      replies: 0,
      state: "shown",
    }));
    insert(database, "like_digests", [{ post, likes: likes.length, a, b, c }], (row) => row);
    update(
      database,
      "post_stats",
      {
        likes: likes.length,
        comments: comments.length,
        seq,
        projected: seq,
        comments_up_to: comments.at(-1)?.id ?? "",
      },
      { post },
    );
  });
}
