import { type SQL, sql } from "drizzle-orm";
import { fieldsOf, literal, textOf } from "../../../schema/d1/sql.ts";
import type { MediaDetails } from "../../../schema/media/media-details.ts";
import { people } from "../../../schema/tables/people.ts";
import { media } from "../../../schema/tables/posts.ts";

/** An upload as it is stored. */
export type MediaRow = typeof media.$inferSelect;

/** A state, in the text of a statement. */
export const mediaState = (value: MediaRow["state"]): SQL => literal(value);

/** Whether a file is the profile picture of its owner, whose row is in the same database. */
export const IS_PROFILE_PICTURE = sql`EXISTS (
  SELECT 1 FROM ${people} WHERE ${people.id} = ${media.owner} AND ${people.picture} = ${media.id})`;

/** A field of the details, in the text of a statement; NULL if there is none. */
export const detail = fieldsOf<MediaDetails>(textOf(sql`${media.details}`));

/** The path of a field within the details, for SQLite's JSON functions. */
export const pathOfDetail = (key: keyof MediaDetails): SQL => literal(`$.${key}`);
