import { timeOf } from "../../schema/ids.ts";
import type { PostRecord } from "./post-record.ts";
import type { CaptionRow } from "./post-tables.ts";

/** `at`: since when it stood there, in ms since 1970. */
export type Caption = { caption: string; at: number };

/** Of one post. When there are more, the oldest but the very first are forgotten. */
const CAPTIONS_KEPT = 100;

/** What a post's caption is, and was before. */
export class Captions {
  readonly #sql: SqlStorage;
  readonly #post: PostRecord;

  constructor(sql: SqlStorage, post: PostRecord) {
    this.#sql = sql;
    this.#post = post;
  }

  /** With which the post was published. */
  get original(): string {
    const [first] = this.#sql.exec<CaptionRow>("SELECT * FROM captions WHERE seq = 1").toArray();
    return first?.caption ?? this.#post.row.caption;
  }

  /** Newest first; the first one is the caption of today. */
  all(): Caption[] {
    const earlier = this.#sql.exec<CaptionRow>("SELECT * FROM captions ORDER BY seq DESC").toArray();
    return [this.#current, ...earlier].map(({ caption, at }) => ({ caption, at }));
  }

  /** Two rows written: the earlier caption, the post. */
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
