import { IDEMPOTENCY_KEY_LASTS } from "../schema/api/common.ts";
import type { CommentId, PersonId } from "../schema/ids.ts";
import type { KeyRow } from "./post-tables.ts";

/** Which comment a person's key has made, for a day. */
export class IdempotencyKeys {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(person: PersonId, key: string): KeyRow | undefined {
    const since = Date.now() - IDEMPOTENCY_KEY_LASTS;
    return this.#sql
      .exec<KeyRow>("SELECT * FROM idempotency_keys WHERE person = ? AND key = ? AND at > ?", person, key, since)
      .toArray()[0];
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
      request,
    );
  }

  clear(): void {
    this.#sql.exec("DELETE FROM idempotency_keys");
  }
}
