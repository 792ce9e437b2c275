/** Who may see whom, and what. */
import type { PersonCard } from "../../schema/api/people.ts";
import { BLOCKED_AMONG } from "../../schema/blocks.ts";
import type { PersonId } from "../../schema/ids.ts";
import { personDocuments, type PostDocument, type PostStats } from "./documents.ts";
import type { Reader } from "./reader.ts";

/** What is known of a post: a document that may be minutes old, and what must be true at once. */
export type KnownPost = { document: PostDocument; stats: PostStats };

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
export async function blockedFor(reader: Reader, others: Iterable<PersonId>): Promise<Blocked> {
  const { person, hasBlocks } = reader;
  const asked = new Set([...others].filter((other) => other !== person));
  if (!person || !hasBlocks || asked.size === 0) return new Set();
  const rows = await reader.primary<{ other: PersonId }>(person, BLOCKED_AMONG, person, JSON.stringify([...asked]));
  return new Set(rows.map(({ other }) => other));
}

/** The people of `ids` whom the viewer may meet: in a list, as who comments, or as whom a notification is about. */
export async function peopleSeenBy(reader: Reader, ids: Iterable<PersonId>): Promise<Map<PersonId, PersonCard>> {
  const asked = [...ids];
  const [people, blocked] = await Promise.all([personDocuments.get(reader, asked), blockedFor(reader, asked)]);
  for (const person of blocked) people.delete(person);
  return people;
}
