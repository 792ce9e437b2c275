/** Copies rows that changed at the source after they were copied. Triggers at the source note their keys. */
import { asc, eq, lte } from "drizzle-orm";
import type { Database } from "../../schema/d1/database.ts";
import { notedChanges } from "../../schema/tables/shards.ts";
import { asMover, type Mover } from "./mover.ts";
import { deleteStatements, differing, keyOf, readRows, writeStatements } from "./rows.ts";
import { MOVED_TABLES, type MovedTable } from "./tables.ts";
import type { Key } from "./windows.ts";

/** The most notes replayed at once. */
const NOTES_MAX = 1000;

type Changed = { table: MovedTable; keys: Map<string, Key> };
/** `isLast` says that no notes were left. `difference` names the first row whose copy differs from the original. */
export type Replayed = { rows: number; isLast: boolean; difference: string | undefined };

/**
 * Copies the present version of the rows that the oldest notes name, and deletes the notes. A row that changes
 * meanwhile gets a newer note. Costs two queries, one batch, and two queries for each changed table, because the copies
 * are read back.
 */
export async function replay(mover: Mover): Promise<Replayed> {
  const { source, target } = mover;
  const { orm } = source.patient;
  const notes = await orm.select().from(notedChanges).orderBy(asc(notedChanges.seq)).limit(NOTES_MAX);
  const last = notes.at(-1);
  if (!last) return { rows: 0, isLast: true, difference: undefined };

  const changes = changesOf(notes);
  const rows = await Promise.all(changes.map(({ table, keys }) => readRows(source, table, [...keys.values()])));
  const statements = changes.flatMap(({ table, keys }, index) => {
    const current = rows[index] ?? [];
    const present = new Set(current.map((row) => keyOf(table, row)));
    const gone = [...keys].flatMap(([key, values]) => (present.has(key) ? [] : [values]));
    return [...writeStatements(table, current), ...deleteStatements(table, gone)];
  });
  await asMover(target, mover, statements);
  const difference = await differenceIn(target, changes, rows);
  if (difference !== undefined) return { rows: 0, isLast: false, difference };
  await orm.delete(notedChanges).where(lte(notedChanges.seq, last.seq));
  return { rows: notes.length, isLast: notes.length < NOTES_MAX, difference };
}

/** Returns those of `keys` that have no note, which means that they have not changed since they were last copied. */
export async function keysWithoutNote(
  { source }: Mover,
  table: MovedTable,
  keys: readonly string[],
): Promise<string[]> {
  const { orm } = source.patient;
  const notes = await orm
    .selectDistinct({ key: notedChanges.key })
    .from(notedChanges)
    .where(eq(notedChanges.name, table.name));
  const noted = new Set(notes.map(({ key }) => normal(key)));
  return keys.filter((key) => !noted.has(key));
}

function changesOf(notes: readonly (typeof notedChanges.$inferSelect)[]): Changed[] {
  return MOVED_TABLES.flatMap((table) => {
    const keys = notes.filter(({ name }) => name === table.name).map(({ key }) => [normal(key), parsed(key)] as const);
    return keys.length > 0 ? [{ table, keys: new Map(keys) }] : [];
  });
}

async function differenceIn(
  target: Database,
  changes: readonly Changed[],
  expected: readonly Parameters<typeof differing>[1][],
): Promise<string | undefined> {
  const found = await Promise.all(changes.map(({ table, keys }) => readRows(target, table, [...keys.values()])));
  const differences = changes.flatMap(({ table }, index) =>
    differing(table, expected[index] ?? [], found[index] ?? []).map((key) => `${table.name} ${key}`),
  );
  return differences[0];
}

const parsed = (key: string): Key => JSON.parse(key) as Key;
/** Normalizes a key, because SQLite and JavaScript may serialize the same JSON differently. */
const normal = (key: string): string => JSON.stringify(parsed(key));
