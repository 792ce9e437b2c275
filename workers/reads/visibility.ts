/** Who may see whom, and what. */
import type { PersonCard } from "../../schema/api/people.ts";
import { blockedAmong } from "../../schema/blocks.ts";
import type { PersonId } from "../../schema/ids.ts";
import type { App } from "../api/routes.ts";
import { personDocuments, type PostDocument, type PostStats } from "./documents.ts";
import type { Background } from "./tiers.ts";

/** What is known of a post: a document that may be minutes old, and what must be true at once. */
export type KnownPost = { document: PostDocument; stats: PostStats };

/** Who looks; `person` is undefined when nobody is signed in. */
export type Who = { person: PersonId | undefined; hasBlocks: boolean };
export const whoAsks = ({ var: { viewer } }: { var: App["Variables"] }): Who => ({
  person: viewer?.person,
  hasBlocks: viewer?.hasBlocks ?? false,
});

/** Of the people that were asked about: those with whom the viewer is in a block, whoever made it. */
export type Blocked = ReadonlySet<PersonId>;

/**
 * Whether a viewer, of whom `blocked` is known, may see the post. Every path that shows a post, its comments, who likes it
 * or a notification of it, and every write to it, asks here and nowhere else. A post is public until it is gone, but
 * between two people of whom one has blocked the other.
 */
export function canView<Post extends KnownPost>(blocked: Blocked, post: Post | undefined): post is Post {
  return post !== undefined && !post.stats.deleted && !blocked.has(post.document.author);
}

/** One D1 query; none for who has no block, which is nearly everybody, and none about nobody but oneself. */
export async function blockedFor(env: Env, { person, hasBlocks }: Who, others: Iterable<PersonId>): Promise<Blocked> {
  const asked = [...others].filter((other) => other !== person);
  return person && hasBlocks && asked.length > 0 ? blockedAmong(env, person, asked) : new Set();
}

/** The people of `ids` whom the viewer may meet: in a list, as who comments, or as whom a notification is about. */
export async function peopleSeenBy(
  env: Env,
  background: Background,
  viewer: Who,
  ids: Iterable<PersonId>,
): Promise<Map<PersonId, PersonCard>> {
  const asked = [...ids];
  const [people, blocked] = await Promise.all([
    personDocuments.get(env, background, asked),
    blockedFor(env, viewer, asked),
  ]);
  for (const person of blocked) people.delete(person);
  return people;
}
