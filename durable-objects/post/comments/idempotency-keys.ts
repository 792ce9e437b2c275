import { IDEMPOTENCY_KEY_LASTS } from "../../../schema/api/common.ts";
import type { CommentId, PersonId } from "../../../schema/ids.ts";
import { formatted, hashOf } from "../../../schema/set-hash.ts";
import type { KeyRow } from "../post-tables.ts";

/** Which comment a person's key has made, for a day. */
export class IdempotencyKeys {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** What the key has made of the same request; "other" when it was of another one. */
  find(person: PersonId, key: string, request: string): CommentId | "other" | undefined {
    const since = Date.now() - IDEMPOTENCY_KEY_LASTS;
    const [row] = this.#sql
      .exec<KeyRow>("SELECT * FROM idempotency_keys WHERE person = ? AND key = ? AND at > ?", person, key, since)
      .toArray();
    return row && (row.request === digestOf(request) ? row.comment : "other");
  }

  /** One row written. The person's old keys go at the same time, so nobody has to look for them. */
  remember(person: PersonId, key: string, comment: CommentId, request: string): void {
    const now = Date.now();
    this.#sql.exec("DELETE FROM idempotency_keys WHERE person = ? AND at <= ?", person, now - IDEMPOTENCY_KEY_LASTS);
    this.#sql.exec(
      "INSERT INTO idempotency_keys (person, key, comment, at, request) VALUES (?, ?, ?, ?, ?)",
      person,
      key,
      comment,
      now,
      digestOf(request),
    );
  }

  clear(): void {
    this.#sql.exec("DELETE FROM idempotency_keys");
  }
}

/** Not the request itself: its words may be edited or deleted, and must not stay here. */
export const digestOf = (request: string): string => formatted(hashOf(request));
