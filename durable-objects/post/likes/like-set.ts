/**
 * The people who like a post.
 *
 * A like writes only its own row. The count, the digest and the newest people are kept in memory, and saved with the
 * post's row when D1 confirms or something else changes. What a crash loses from memory is counted again from the rows
 * above the saved `seq`: each has in `was` its value at that `seq`. Finding them takes a scan of all rows, because an
 * index would cost every like another row. So a post of more than `recountedFreely` people first marks that there are
 * unsaved likes, and one without the mark starts without a scan.
 */
import type { LikeFact } from "../../../schema/messages/facts.ts";
import { AFTER_EVERY_ID, type PersonId } from "../../../schema/ids.ts";
import { added, removed } from "../../../schema/set-hash.ts";
import type { PostRecord } from "../post-record.ts";
import type { LikeRow, NewLiker } from "../post-tables.ts";

const LIMITS = {
  /** A post with at most this many rows is scanned at every start, even without the mark: about 1 ms. */
  recountedFreely: 5000,
  /** The most changes that wait for D1 in memory, at about 100 bytes each; later ones are read from storage. */
  window: 20_000,
};
/** How many of the newest people are kept: more than are shown, because some take their like back. */
const NEWEST_KEPT = 16;

const UPSERT = `
  INSERT INTO likes (person, liked, seq, at, nth, was) VALUES (?1, ?2, ?3, ?4, ?5, NULL)
  ON CONFLICT DO UPDATE SET was = iif(seq > ?6, was, liked), liked = ?2, seq = ?3`;

/** The people who like the post, with the count, the digest and the changes that D1 has not confirmed. */
export class LikeSet {
  readonly #sql: SqlStorage;
  readonly #post: PostRecord;
  readonly #limits: typeof LIMITS;
  /** The changes that D1 may not have, by `seq`: exactly those from #first to #last. */
  readonly #waiting = new Map<PersonId, LikeFact>();
  #first: number;
  #last: number;

  constructor(sql: SqlStorage, post: PostRecord, limits = LIMITS) {
    this.#sql = sql;
    this.#post = post;
    this.#limits = limits;
    this.#recount();
    const { confirmed, seq } = post.row;
    this.#first = confirmed + 1;
    this.#last = confirmed === seq ? Number.POSITIVE_INFINITY : this.#read(confirmed + 1);
  }

  has(person: PersonId): boolean {
    return this.#rowOf(person)?.liked === 1;
  }

  /**
   * Likes or unlikes, and returns whether that changed anything. Writes one row, and one more for the first unsaved
   * change of a post with many likes.
   */
  set(person: PersonId, liked: boolean): boolean {
    const before = this.#rowOf(person);
    if ((before?.liked === 1) === liked) return false;
    const { row, saved } = this.#post;
    if (row.people > this.#limits.recountedFreely) this.#post.expectLikes();
    const seq = row.seq + 1;
    const nth = before?.nth ?? row.people + 1;
    const at = before?.at ?? Date.now();
    this.#sql.exec(UPSERT, person, Number(liked), seq, at, nth, saved);

    row.seq = seq;
    row.likes_seq = seq;
    row.likes += liked ? 1 : -1;
    row.people += before ? 0 : 1;
    row.digest = (liked ? added : removed)(row.digest, person);
    row.newest = row.newest.filter((other) => other.person !== person);
    // A person who likes the post again gets their old place back, because that is not new.
    if (liked && person !== row.author)
      row.newest = [...row.newest, { person, nth, seq }].sort((a, b) => a.nth - b.nth).slice(-NEWEST_KEPT);
    this.#queue({ person, liked, seq });
    return true;
  }

  /**
   * Returns a page of the people who like the post, from `before` on, the ones who signed up last first. Reads the page
   * and the likes in its range that were taken back.
   */
  page(before: PersonId | undefined, limit: number): PersonId[] {
    return this.#sql
      .exec<Pick<LikeRow, "person">>(
        "SELECT person FROM likes WHERE liked = 1 AND person < ? ORDER BY person DESC LIMIT ?",
        before ?? AFTER_EVERY_ID,
        limit,
      )
      .toArray()
      .map(({ person }) => person);
  }

  /** Returns the first `limit` changes by `seq`, starting at `from`, and the `seq` up to which they are complete. */
  changes(from: number, limit: number): { changes: LikeFact[]; to: number } {
    if (from < this.#first || from > this.#last) {
      this.#last = this.#read(from);
      this.#first = from;
    }
    const changes: LikeFact[] = [];
    for (const change of this.#waiting.values()) {
      if (change.seq >= from) changes.push(change);
      if (changes.length === limit) return { changes, to: change.seq };
    }
    return { changes, to: Math.min(this.#last, this.#post.row.seq) };
  }

  /** Drops the changes up to `seq`, which D1 has confirmed. */
  confirmed(seq: number): void {
    for (const change of this.#waiting.values()) {
      if (change.seq > seq) break;
      this.#waiting.delete(change.person);
    }
    this.#first = Math.max(this.#first, seq + 1);
  }

  /** Returns the newest people without the author, newest first; any people if none of those likes it any more. */
  newest(limit = NEWEST_KEPT): NewLiker[] {
    const { author, newest } = this.#post.row;
    if (newest.length > 0) return newest.slice(-limit).toReversed();
    return this.#sql
      .exec<NewLiker>("SELECT person, nth, seq FROM likes WHERE liked = 1 AND person <> ? LIMIT ?", author, limit)
      .toArray();
  }

  /**
   * Removes a person whose account is closed, as if they had never liked the post; returns whether that changed anything.
   * `people` stays, because it numbers the next like. No fact tells D1: who closes the account deletes the like there.
   * Writes two rows.
   */
  forget(person: PersonId): boolean {
    const before = this.#rowOf(person);
    if (!before) return false;
    const { row } = this.#post;
    const changes =
      before.liked === 1
        ? {
            seq: row.seq + 1,
            likes_seq: row.seq + 1,
            likes: row.likes - 1,
            digest: removed(row.digest, person),
            newest: row.newest.filter((other) => other.person !== person),
          }
        : {};
    this.#post.save(changes, () => this.#sql.exec("DELETE FROM likes WHERE person = ?", person));
    this.#waiting.delete(person);
    return true;
  }

  /** Deletes everything, when the post is deleted. */
  clear(): void {
    this.#sql.exec("DELETE FROM likes");
    this.#waiting.clear();
  }

  #rowOf(person: PersonId): Pick<LikeRow, "liked" | "nth" | "at"> | undefined {
    return this.#sql.exec<LikeRow>("SELECT liked, nth, at FROM likes WHERE person = ?", person).toArray()[0];
  }

  #queue(change: LikeFact): void {
    this.#waiting.delete(change.person); // Keeps the map ordered by `seq`.
    if (change.seq > this.#last) return;
    if (this.#waiting.size < this.#limits.window) this.#waiting.set(change.person, change);
    else this.#last = change.seq - 1;
  }

  /** Fills the window from storage, starting at `from`. Returns the `seq` up to which it is complete. */
  #read(from: number): number {
    this.#waiting.clear();
    const rows = this.#sql
      .exec<LikeRow>(
        "SELECT person, liked, seq FROM likes WHERE seq >= ? ORDER BY seq LIMIT ?",
        from,
        this.#limits.window,
      )
      .toArray();
    for (const { person, liked, seq } of rows) this.#waiting.set(person, { person, liked: liked === 1, seq });
    return rows.length < this.#limits.window ? Number.POSITIVE_INFINITY : (rows.at(-1)?.seq ?? from);
  }

  /** Counts the likes above the saved `seq` again. */
  #recount(): void {
    const { row, saved } = this.#post;
    if (!row.unsaved && row.people > this.#limits.recountedFreely) return;
    for (const { person, liked, was, seq } of this.#sql.exec<LikeRow>("SELECT * FROM likes WHERE seq > ?", saved)) {
      const change = liked - (was ?? 0);
      row.likes += change;
      row.people += was === null ? 1 : 0;
      if (change !== 0) row.digest = (change > 0 ? added : removed)(row.digest, person);
      row.seq = Math.max(row.seq, seq);
      row.likes_seq = Math.max(row.likes_seq, seq);
    }
    if (row.seq === saved) return;
    row.newest = this.#sql
      .exec<NewLiker>(
        "SELECT person, nth, seq FROM likes WHERE liked = 1 AND person <> ? ORDER BY nth DESC LIMIT ?",
        row.author,
        NEWEST_KEPT,
      )
      .toArray()
      .toReversed();
  }
}
