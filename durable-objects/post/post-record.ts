import { EMPTY } from "../../schema/set-hash.ts";
import type { PostRow } from "./post-tables.ts";

/** Columns that are JSON in storage. */
const JSON_COLUMNS = ["media", "digest", "newest"] as const;
/** Likes change these in memory alone; every save writes them too. */
const STANDING = ["seq", "likes", "people", "likes_seq", "digest", "newest"] as const;
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
};

/** The post's row: in memory always as it stands, in storage as it stood when it was last saved. */
export class PostRecord {
  readonly row: PostRow;
  readonly #storage: DurableObjectStorage;
  #saved: number;

  private constructor(storage: DurableObjectStorage, row: PostRow) {
    this.#storage = storage;
    this.row = row;
    this.#saved = row.seq;
  }

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

  /** The `seq` that storage has. The likes above it are in their own rows alone. */
  get saved(): number {
    return this.#saved;
  }

  /**
   * Writes what `before` writes, then `changes` and where the post stands: all of it or nothing. One row written, beside
   * those of `before`. Remembered only afterwards: a write that fails must not be.
   */
  save(changes: Partial<PostRow>, before?: () => void): void {
    const standing = Object.fromEntries(STANDING.map((column) => [column, this.row[column]])) as Partial<PostRow>;
    const columns = { ...standing, unsaved: 0, ...changes };
    const assignments = Object.keys(columns).map((column) => `${column} = ?`);
    this.#storage.transactionSync(() => {
      before?.();
      this.#storage.sql.exec(`UPDATE post SET ${assignments.join(", ")}`, ...Object.entries(columns).map(stored));
    });
    Object.assign(this.row, columns);
    this.#saved = this.row.seq;
  }

  /** Notes that likes may lie above the saved `seq`, so that a start after a crash looks for them. One row, at most. */
  expectLikes(): void {
    if (this.row.unsaved) return;
    this.#storage.sql.exec("UPDATE post SET unsaved = 1");
    this.row.unsaved = 1;
  }
}

const stored = ([column, value]: [string, unknown]): SqlStorageValue =>
  (JSON_COLUMNS as readonly string[]).includes(column) ? JSON.stringify(value) : (value as SqlStorageValue);
