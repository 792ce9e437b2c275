/**
 * Builds the text of statements with names from the table definitions, so that every use of a renamed column is a
 * compile error. Text is built once, when its module is loaded; a request only binds parameters. Write parameters as
 * `?1`, `?2`...
 *
 * Drizzle renders `${feed}` as "feed" and `${feed.post}` as "feed"."post"; `aliasedTable` from drizzle-orm gives a
 * table another name within one statement.
 */
import { getTableColumns, type InferSelectModel, type SQL, sql } from "drizzle-orm";
import { type AnySQLiteColumn, SQLiteAsyncDialect, type SQLiteTable } from "drizzle-orm/sqlite-core";

const dialect = new SQLiteAsyncDialect();

/** Returns the text of a statement. Throws if a value was interpolated: values are parameters of the call. */
export function textOf(query: SQL): string {
  const { sql: text, params } = dialect.sqlToQuery(query);
  if (params.length > 0) throw new Error(`a statement has ${params.length} values in its text: ${text}`);
  return text;
}

/** A column without its table, as the column lists of INSERT and SET require. */
export const bare = (column: AnySQLiteColumn): SQL => sql`${sql.identifier(column.name)}`;

/** The same for several columns, with commas between them. */
export const list = (...columns: readonly AnySQLiteColumn[]): SQL => sql.join(columns.map(bare), sql`, `);

/** In ON CONFLICT: the value from the rejected insert. */
export const excluded = (column: AnySQLiteColumn): SQL => sql`excluded.${bare(column)}`;

/** For SET in ON CONFLICT: assigns to each column the value from the rejected insert. */
export const takeExcluded = (...columns: readonly AnySQLiteColumn[]): SQL =>
  sql.join(
    columns.map((column) => sql`${bare(column)} = ${excluded(column)}`),
    sql`, `,
  );

/** A constant in the text: a number, or a quoted string. */
export const literal = (value: number | string): SQL =>
  sql.raw(typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`);

/** A constant in the text that the column can hold. */
export const valueOf = <Column extends AnySQLiteColumn>(column: Column, value: Column["_"]["data"]): SQL =>
  literal(column.mapToDriverValue(value) as number | string);

/**
 * Reads fields of rows that are passed to a statement as one JSON parameter and read with `json_each`. `Row` is the
 * type of these rows; `from` is the column in which `json_each` returns each of them.
 */
export const fieldsOf =
  <Row extends object>(from = "value") =>
  (key: keyof Row & string): SQL =>
    sql.raw(`${from} ->> '${key}'`);

/** Like `fieldsOf`, but returns the JSON of a field that is an array or an object. */
export const jsonFieldsOf =
  <Row extends object>(from = "value") =>
  (key: keyof Row & string): SQL =>
    sql.raw(`${from} -> '${key}'`);

type Columns<Table extends SQLiteTable> = keyof Table["_"]["columns"] & keyof InferSelectModel<Table> & string;

/**
 * Passes rows of one table to a statement: as objects with the table's own property names, in one JSON parameter.
 *
 *     const LIKES = rowsOf(likes, ["person", "post", "liked", "seq"]);
 *     sql`INSERT INTO ${likes} (${LIKES.columns}) SELECT ${LIKES.values} FROM json_each(?1)`
 */
export class TableRows<Table extends SQLiteTable, Key extends Columns<Table>> {
  /** The type of a row to pass. */
  declare readonly Row: Pick<InferSelectModel<Table>, Key>;
  readonly #columns: Record<string, AnySQLiteColumn>;
  readonly #keys: readonly Key[];
  readonly #from: string;

  constructor(table: Table, keys: readonly Key[], from: string) {
    this.#columns = getTableColumns(table);
    this.#keys = keys;
    this.#from = from;
  }

  /** The columns, for INSERT. */
  get columns(): SQL {
    return list(...this.#keys.map((key) => this.#columnOf(key)));
  }

  /** Their values, in the same order, for SELECT. A JSON column takes the JSON of its field. */
  get values(): SQL {
    return sql.join(
      this.#keys.map((key) => this.value(key)),
      sql`, `,
    );
  }

  /** A condition: the row of the table has the same values in these columns. For a join with `json_each`. */
  get matches(): SQL {
    return sql.join(
      this.#keys.map((key) => sql`${this.#columnOf(key)} = ${this.value(key)}`),
      sql` AND `,
    );
  }

  /** One field of the row. */
  value(key: Key): SQL {
    const isJson = this.#columnOf(key).dataType === "json";
    return sql.raw(`${this.#from} ${isJson ? "->" : "->>"} '${key}'`);
  }

  #columnOf(key: Key): AnySQLiteColumn {
    const column = this.#columns[key];
    if (!column) throw new Error(`no column ${key}`);
    return column;
  }
}

/** Describes rows of `table` with these columns. `from` is the column in which `json_each` returns each row. */
export const rowsOf = <Table extends SQLiteTable, Key extends Columns<Table>>(
  table: Table,
  keys: readonly Key[],
  from = "value",
): TableRows<Table, Key> => new TableRows(table, keys, from);
