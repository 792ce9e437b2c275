import { IDEMPOTENCY_KEY_LASTS } from "../../../schema/api/common.ts";
import type { CommentId, PersonId } from "../../../schema/ids.ts";
import { formatDigest, hashOf } from "../../../schema/set-hash.ts";
import type { KeyRow } from "../post-tables.ts";

/** Remembers for a day which comment was made under which key of a person. */
export class IdempotencyKeys {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Returns the comment made under the key by the same request; "other" if the key belongs to a different request. */
  find(person: PersonId, key: string, request: string): CommentId | "other" | undefined {
    const since = Date.now() - IDEMPOTENCY_KEY_LASTS;
    const [row] = this.#sql
      .exec<KeyRow>("SELECT * FROM idempotency_keys WHERE person = ? AND key = ? AND at > ?", person, key, since)
      .toArray();
    return row && (row.request === digestOf(request) ? row.comment : "other");
  }

  /** Writes one row. Also deletes the person's expired keys, so that no sweep is needed. */
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

  /** Deletes all keys of a person. */
  forget(person: PersonId): void {
    this.#sql.exec("DELETE FROM idempotency_keys WHERE person = ?", person);
  }

  clear(): void {
    this.#sql.exec("DELETE FROM idempotency_keys");
  }
}

/** Stored instead of the request itself, whose text may be edited or deleted later and must not remain here. */
export const digestOf = (request: string): string => formatDigest(hashOf(request));
