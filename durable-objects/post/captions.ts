import { timeOf } from "../../schema/ids.ts";
import type { PostRecord } from "./post-record.ts";
import type { CaptionRow } from "./post-tables.ts";

/** `at`: when it became the caption, in ms since 1970. */
export type Caption = { caption: string; at: number };

/** The number of earlier captions kept for a post, besides the original. The oldest of them are deleted first. */
const CAPTIONS_KEPT = 100;

/** A post's caption and its earlier versions. */
export class Captions {
  readonly #sql: SqlStorage;
  readonly #post: PostRecord;

  constructor(sql: SqlStorage, post: PostRecord) {
    this.#sql = sql;
    this.#post = post;
  }

  /** The caption that the post was published with. */
  get original(): string {
    const [first] = this.#sql.exec<CaptionRow>("SELECT * FROM captions WHERE seq = 1").toArray();
    return first?.caption ?? this.#post.row.caption;
  }

  /** Returns all captions, newest first; the first one is the present caption. */
  all(): Caption[] {
    const earlier = this.#sql.exec<CaptionRow>("SELECT * FROM captions ORDER BY seq DESC").toArray();
    return [this.#current, ...earlier].map(({ caption, at }) => ({ caption, at }));
  }

  /** Replaces the caption. Writes two rows: the earlier caption and the post. */
  change(caption: string): void {
    const current = this.#current;
    if (caption === current.caption) return;
    const seq = this.#post.row.seq + 1;
    this.#post.save({ caption, edited_at: Date.now(), body_seq: seq, seq }, () => {
      this.#sql.exec("INSERT INTO captions VALUES (?, ?, ?)", current.seq, current.caption, current.at);
      this.#sql.exec(
        `DELETE FROM captions WHERE seq > 1
         AND seq <= (SELECT seq FROM captions WHERE seq > 1 ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
        CAPTIONS_KEPT,
      );
    });
  }

  clear(): void {
    this.#sql.exec("DELETE FROM captions");
  }

  get #current(): CaptionRow {
    const { id, caption, body_seq, edited_at } = this.#post.row;
    return { seq: body_seq, caption, at: edited_at ?? timeOf(id) };
  }
}
