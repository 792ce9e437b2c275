/// <reference types="vite/types/importMeta.d.ts" />
import { getTableName, is } from "drizzle-orm";
import { SQLiteTable } from "drizzle-orm/sqlite-core";
import { expect, it } from "vitest";
import { ERASED, KEPT } from "./tables.ts";

const modules = import.meta.glob<Record<string, unknown>>("/schema/tables/*.ts", { eager: true });
const tables = Object.values(modules).flatMap((module) =>
  Object.values(module).flatMap((value) => (is(value, SQLiteTable) ? [getTableName(value)] : [])),
);

it("says for every table what closing an account does with its rows", () => {
  const said = [...ERASED, ...KEPT].map(({ table }) => getTableName(table));
  expect(tables.length).toBeGreaterThan(30);
  const hint = "Say in workers/closing/tables.ts what closing an account does with the rows of these tables";
  expect(
    tables.filter((name) => !said.includes(name)),
    hint,
  ).toEqual([]);
  expect(said.toSorted()).toEqual(tables.toSorted());
});
