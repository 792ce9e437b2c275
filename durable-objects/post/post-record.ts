import { EMPTY } from "../../schema/set-hash.ts";
import type { PostRow } from "./post-tables.ts";

/** The columns that storage holds as JSON. */
const JSON_COLUMNS = ["media", "digest", "newest"] as const;
/** The columns that change in memory only, by a like or by what D1 has confirmed; every save writes them too. */
const CHANGED_IN_MEMORY = ["seq", "likes", "people", "likes_seq", "digest", "newest", "confirmed", "noticed"] as const;
const NEW: Omit<PostRow, "id" | "author" | "caption" | "media"> = {
  body_seq: 1,
  seq: 1,
  likes: 0,
  comments: 0,
  told_comments: 0,
  confirmed: 0,
  noticed: 0,
  delivered: 0,
  served: 0,
  digest: EMPTY,
  people: 0,
  likes_seq: 0,
  newest: [],
  unsaved: 0,
  edited_at: null,
  policy: "everyone",
  pinned: null,
  deleted: 0,
  taken_down: 0,
  moderation: 0,
};

/** The post's row: up to date in memory, and in storage as of the last save. */
export class PostRecord {
  readonly row: PostRow;
  readonly #storage: DurableObjectStorage;
  #saved: number;
  #savedConfirmed: number;

  private constructor(storage: DurableObjectStorage, row: PostRow) {
    this.#storage = storage;
    this.row = row;
    this.#saved = row.seq;
    this.#savedConfirmed = row.confirmed;
  }

  /** Returns undefined if the object has no post. */
  static load(storage: DurableObjectStorage): PostRecord | undefined {
    const [stored] = storage.sql.exec("SELECT * FROM post").toArray();
    if (!stored) return undefined;
    const parsed = Object.fromEntries(JSON_COLUMNS.map((column) => [column, JSON.parse(stored[column] as string)]));
    return new PostRecord(storage, { ...stored, ...parsed } as unknown as PostRow);
  }

  static create(storage: DurableObjectStorage, published: Pick<PostRow, "id" | "author" | "caption" | "media">): void {
    const row = { ...NEW, ...published };
    const columns = Object.keys(row);
    storage.sql.exec(
      `INSERT INTO post (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
      ...Object.entries(row).map(stored),
    );
  }

  /** The `seq` of the last save. Likes above it are only in their own rows. */
  get saved(): number {
    return this.#saved;
  }

  /**
   * Runs the writes of `before`, then writes `changes` and the counts, in one transaction. Writes one row beside those
   * of `before`. Memory changes only after the transaction, so a failed write leaves no trace there.
   */
  save(changes: Partial<PostRow>, before?: () => void): void {
    const counts = Object.fromEntries(
      CHANGED_IN_MEMORY.map((column) => [column, this.row[column]]),
    ) as Partial<PostRow>;
    const columns = { ...counts, unsaved: 0, ...changes };
    const assignments = Object.keys(columns).map((column) => `${column} = ?`);
    this.#storage.transactionSync(() => {
      before?.();
      this.#storage.sql.exec(`UPDATE post SET ${assignments.join(", ")}`, ...Object.entries(columns).map(stored));
    });
    Object.assign(this.row, columns);
    this.#saved = this.row.seq;
    this.#savedConfirmed = this.row.confirmed;
  }

  /**
   * Notes what D1 has, in memory until it is `savedAfter` changes; then writes one row. Also clears the mark that there
   * may be unsaved likes, once there are none.
   */
  confirm(confirmed: number, noticed: number, savedAfter: number): void {
    Object.assign(this.row, { confirmed, noticed });
    const { seq, unsaved } = this.row;
    const isMarkOver = unsaved === 1 && confirmed === seq;
    // While likes keep coming, the mark stays set.
    if (isMarkOver || confirmed >= this.#savedConfirmed + savedAfter) this.save({ unsaved: isMarkOver ? 0 : unsaved });
  }

  /**
   * Marks that there may be likes above the saved `seq`, so that a start after a crash counts them. At most one row.
   */
  expectLikes(): void {
    if (this.row.unsaved) return;
    this.#storage.sql.exec("UPDATE post SET unsaved = 1");
    this.row.unsaved = 1;
  }
}

const stored = ([column, value]: [string, unknown]): SqlStorageValue =>
  (JSON_COLUMNS as readonly string[]).includes(column) ? JSON.stringify(value) : (value as SqlStorageValue);
