import { env } from "cloudflare:workers";
import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { expect, it } from "vitest";
import * as closingTables from "../../schema/tables/closings.ts";
import * as exportTables from "../../schema/tables/exports.ts";
import * as notificationTables from "../../schema/tables/notifications.ts";
import * as moderationTables from "../../schema/tables/moderation.ts";
import * as operationsTables from "../../schema/tables/operations.ts";
import * as peopleTables from "../../schema/tables/people.ts";
import * as postTables from "../../schema/tables/posts.ts";
import * as pushTables from "../../schema/tables/push.ts";
import * as shardTables from "../../schema/tables/shards.ts";

// The migrations are written by hand (drizzle knows neither WITHOUT ROWID nor triggers), so this compares the two.
const tables: SQLiteTable[] = [
  closingTables,
  exportTables,
  notificationTables,
  operationsTables,
  moderationTables,
  peopleTables,
  postTables,
  pushTables,
  shardTables,
].flatMap((module) => Object.values(module).filter((value) => is(value, SQLiteTable)));

it.each(tables.map((table) => [getTableConfig(table).name, table] as const))(
  "describes the table %s as its migrations create it",
  async (name, table) => {
    const { columns, primaryKeys } = getTableConfig(table);
    const inDatabase = await env.DB.prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?)')
      .bind(name)
      .all<{ name: string; type: string; notnull: number; pk: number }>();
    const key =
      primaryKeys[0]?.columns.map((column) => column.name) ?? columns.filter((c) => c.primary).map((c) => c.name);
    expect(inDatabase.results).toEqual(
      columns.map((column) => ({
        name: column.name,
        type: column.getSQLType().toUpperCase(),
        notnull: Number(column.notNull),
        pk: key.indexOf(column.name) + 1,
      })),
    );
  },
);

it("describes every table", async () => {
  const inDatabase = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'd1\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  ).all<{ name: string }>();
  const described = tables.map((table) => getTableConfig(table).name);
  expect(inDatabase.results.map(({ name }) => name).toSorted()).toEqual(described.toSorted());
});
