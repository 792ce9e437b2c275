/** Changes the rules by which comments are held back. */
import { sql } from "drizzle-orm";
import { RESTRICTED_MAX, type CommentRules, type SiteFilter, SITE_FILTERS_MAX } from "../../schema/comment-rules.ts";
import { statement } from "../../schema/d1/database.ts";
import { databaseNamed } from "../../schema/d1/shards.ts";
import { bare, literal, textOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { Refusal } from "../../schema/api/refusals.ts";
import { siteFilters } from "../../schema/tables/operations.ts";
import { people } from "../../schema/tables/people.ts";
import { forgetFilters } from "../reads/comment-rules.ts";
import { dropPostsBy } from "../reads/stored-posts.ts";
import type { Reader } from "../storage/reader.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { logged } from "./log.ts";

/** Returns the rules of a person. Costs one D1 query. */
export async function rulesOf(reader: Reader, person: PersonId): Promise<CommentRules> {
  const { rows } = await reader.existing<{ rules: string }>(person, RULES, [person]);
  return JSON.parse(rows[0]?.rules ?? "{}") as CommentRules;
}

const RULES = textOf(sql`SELECT ${people.commentRules} AS "rules" FROM ${people} WHERE ${people.id} = ?1`);

/** Restricts a person under the posts of another, or no longer. Throws `too_many_restrictions`. Costs one D1 batch. */
export async function setRestricted(reader: Reader, by: PersonId, other: PersonId, wanted: boolean): Promise<void> {
  const [result] = await reader.write(by, [statement(wanted ? RESTRICT : ALLOW, by, other)]);
  dropPostsBy(by);
  if (wanted && result?.changes === 0) throw new Refusal("too_many_restrictions");
}

const restricted = sql`json_each(${people.commentRules}, '$.restricted')`;
const others = sql`SELECT value FROM ${restricted} WHERE value <> ?2`;
const restrictedTo = (list: ReturnType<typeof sql>) => sql`
  UPDATE ${people} SET ${bare(people.commentRules)} = json_set(
    ${people.commentRules}, '$.restricted', json((SELECT json_group_array(value) FROM (${list}))))
  WHERE ${people.id} = ?1`;
const RESTRICT = textOf(sql`
  ${restrictedTo(sql`${others} UNION ALL SELECT ?2`)}
    AND (SELECT count(*) FROM (${others})) < ${literal(RESTRICTED_MAX)}`);
const ALLOW = textOf(restrictedTo(others));

/** Replaces the words that hold back comments under a person's posts. Costs one D1 batch. */
export async function setWords(reader: Reader, person: PersonId, words: readonly string[]): Promise<void> {
  await reader.write(person, [statement(SET_WORDS, person, JSON.stringify(words))]);
  dropPostsBy(person);
}

const SET_WORDS = textOf(sql`
  UPDATE ${people} SET ${bare(people.commentRules)} = json_set(${people.commentRules}, '$.words', json(?2))
  WHERE ${people.id} = ?1`);

/** Returns the filters of the site. Costs one D1 query. */
export const filters = (env: Env): Promise<SiteFilter[]> => databaseNamed(env, "DB").all<SiteFilter>(FILTERS);

const FILTERS = textOf(sql`
  SELECT ${siteFilters.word}, ${siteFilters.action} FROM ${siteFilters} ORDER BY ${siteFilters.word}`);

/**
 * Sets or removes a filter, logged first as an act of the moderator. Other isolates follow within ten seconds. Costs two
 * D1 batches.
 */
export async function setFilter(
  reader: Reader,
  moderator: PersonId,
  word: string,
  action: SiteFilter["action"] | undefined,
): Promise<void> {
  const details = { word, action: action ?? "none" };
  await withFreshIds(() =>
    reader.write(moderator, [
      logged({ actor: moderator, act: "filter", subject: moderator, person: moderator, reason: "", details }),
    ]),
  );
  const changes = action
    ? await databaseNamed(reader.env, "DB").run(SET_FILTER, word, action)
    : await databaseNamed(reader.env, "DB").run(REMOVE_FILTER, word);
  forgetFilters();
  if (action && changes === 0) throw new Refusal("too_many_filters");
}

const SET_FILTER = textOf(sql`
  INSERT INTO ${siteFilters} (word, action)
  SELECT ?1, ?2 WHERE (SELECT count(*) FROM ${siteFilters} WHERE ${siteFilters.word} <> ?1) < ${literal(SITE_FILTERS_MAX)}
  ON CONFLICT DO UPDATE SET action = ?2`);
const REMOVE_FILTER = textOf(sql`DELETE FROM ${siteFilters} WHERE ${siteFilters.word} = ?1`);
