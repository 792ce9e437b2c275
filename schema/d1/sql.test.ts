import { aliasedTable, sql } from "drizzle-orm";
import { expect, it } from "vitest";
import { likes, postStats } from "../tables/posts.ts";
import { notifications } from "../tables/notifications.ts";
import { bare, excluded, fieldsOf, list, literal, rowsOf, takeExcluded, textOf, valueOf } from "./sql.ts";

it("uses the stored names of tables and columns", () => {
  expect(textOf(sql`SELECT ${postStats.bodySeq} FROM ${postStats} WHERE ${postStats.post} = ?1`)).toBe(
    'SELECT "post_stats"."body_seq" FROM "post_stats" WHERE "post_stats"."post" = ?1',
  );
  expect(textOf(sql`UPDATE ${postStats} SET ${bare(postStats.bodySeq)} = ${excluded(postStats.bodySeq)}`)).toBe(
    'UPDATE "post_stats" SET "body_seq" = excluded."body_seq"',
  );
  expect(textOf(sql`${list(likes.person, likes.post)}; ${takeExcluded(likes.liked, likes.seq)}`)).toBe(
    '"person", "post"; "liked" = excluded."liked", "seq" = excluded."seq"',
  );
});

it("gives a table another name within a statement", () => {
  const known = aliasedTable(postStats, "known");
  expect(textOf(sql`FROM ${postStats} AS ${known} WHERE ${known.bodySeq} > 1`)).toBe(
    'FROM "post_stats" AS "known" WHERE "known"."body_seq" > 1',
  );
});

it("reads rows from JSON by the names of their fields", () => {
  const rows = rowsOf(notifications, ["recipient", "actors"], "notice.value");
  expect(textOf(sql`(${rows.columns}) SELECT ${rows.values}`)).toBe(
    `("recipient", "actors") SELECT notice.value ->> 'recipient', notice.value -> 'actors'`,
  );
  const keys = rowsOf(likes, ["person", "post"]);
  expect(textOf(keys.matches)).toBe(`"likes"."person" = value ->> 'person' AND "likes"."post" = value ->> 'post'`);
  const field = fieldsOf<{ actor: string }>("event.value");
  expect(textOf(sql`SELECT ${field("actor")}`)).toBe("SELECT event.value ->> 'actor'");
});

it("accepts constants in the text, and no values", () => {
  expect(textOf(sql`LIMIT ${literal(3)} ${literal("it's")}`)).toBe("LIMIT 3 'it''s'");
  expect(textOf(sql`${valueOf(notifications.kind, "like")} ${valueOf(likes.liked, true)}`)).toBe("'like' 1");
  expect(() => textOf(sql`LIMIT ${3}`)).toThrow("1 values in its text");
});
