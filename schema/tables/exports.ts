import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { PersonId } from "../ids.ts";

/** Downloads of a person's data that are under way, in their shard. A row counts until `until`, in ms since 1970. */
export const exportDownloads = sqliteTable(
  "export_downloads",
  {
    person: text().$type<PersonId>().notNull(),
    download: text().notNull(),
    until: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.person, t.download] })],
);
