/** Decides whether a comment is held back: by the rules of the post's author, or by the filters of the site. */
import { sql } from "drizzle-orm";
import { type CommentRules, hasWord, type SiteFilter } from "../../schema/comment-rules.ts";
import { statement } from "../../schema/d1/database.ts";
import { databaseNamed } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import type { PostId } from "../../schema/ids.ts";
import { logWarning } from "../../schema/log.ts";
import { siteFilters } from "../../schema/tables/operations.ts";
import { audienceOfPost } from "./stored-posts.ts";
import type { Reader } from "../storage/reader.ts";

/** How long an isolate believes what it has read about the filters of the site. */
const FILTERS_FRESH_FOR = 10_000; // ms

/** Why a comment is not shown to others: it waits for the post's author or a moderator, or stays hidden. */
export type HeldBack = "author" | "review" | "hidden";

/**
 * Returns why a comment of the viewer on `post` must not be shown to others; undefined if it may. Costs nothing beside
 * `mayWriteTo`, which reads the same; once in ten seconds and isolate one D1 query at the same time, for the filters of
 * the site.
 */
export async function heldBack(reader: Reader, post: PostId, text: string): Promise<HeldBack | undefined> {
  const [known, filters] = await Promise.all([audienceOfPost(reader, post), filtersOfSite(reader)]);
  if (hasWord(text, filters.hide)) return "hidden";
  if (hasWord(text, filters.hold)) return "review";
  if (!known || reader.person === undefined || known.author === reader.person) return undefined;
  const { restricted = [], words = [] }: CommentRules = known.rules;
  return restricted.includes(reader.person) || hasWord(text, words) ? "author" : undefined;
}

type Filters = { hold: string[]; hide: string[] };
let filters: Filters = { hold: [], hide: [] };
/** When they were read, in ms since 1970; 0 before the first time. */
let readAt = 0;

/** Makes this isolate read the filters again before the next comment. */
export const forgetFilters = (): void => void (readAt = 0);

/** Returns the filters as they were last read, and reads them again in the background. Only the first read is awaited. */
async function filtersOfSite({ env, background }: Reader): Promise<Filters> {
  const now = Date.now();
  const isFirst = readAt === 0;
  if (now >= readAt && now - readAt < FILTERS_FRESH_FOR) return filters;
  readAt = now; // Before the read, so that other requests do not read them too.
  const reading = readFilters(env);
  if (isFirst) await reading;
  else background.waitUntil(reading);
  return filters;
}

/** Keeps what is known while D1 fails: a comment must not fail for it. */
async function readFilters(env: Env): Promise<void> {
  try {
    const nearest = databaseNamed(env, "DB").inSession<SiteFilter>([statement(FILTERS)], "first-unconstrained");
    const rows = (await nearest).results.flatMap((result) => result.rows);
    const wordsTo = (kind: SiteFilter["action"]) => rows.flatMap(({ word, action }) => (action === kind ? [word] : []));
    filters = { hold: wordsTo("hold"), hide: wordsTo("hide") };
  } catch (error) {
    logWarning("filters of the site not read", { error: String(error) });
  }
}

const FILTERS = textOf(sql`SELECT ${siteFilters.word}, ${siteFilters.action} FROM ${siteFilters}`);
