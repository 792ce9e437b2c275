import type { MediaId, PersonId } from "../../schema/ids.ts";
import { signatureFor } from "./media-signatures.ts";
import { leaseOf } from "./private-accounts.ts";
import type { Reader } from "../storage/reader.ts";
import type { KnownPost } from "./documents.ts";

/** By file, what its addresses end with for a reader: those that are not among them need nothing. */
export type Signatures = ReadonlyMap<MediaId, string>;

/**
 * For the files of those of `posts`, which the reader may see, whose authors are private. What is known of that was read
 * with the posts, so this asks no database: an author who has turned private in the last second may still be taken for a
 * public one, and the address is not served then, until the post is read again.
 */
export async function signaturesFor(reader: Reader, posts: readonly KnownPost[]): Promise<Signatures> {
  const closed = posts.filter(({ stats, document }) => stats.isPrivate === true || leaseOf(document.author) === true);
  const media = closed.flatMap(({ document }) => document.media.map(({ id }) => id));
  try {
    return await signaturesOf(reader, media);
  } catch (error) {
    console.warn("addresses not signed", { error: String(error) }); // A post without pictures is better than none.
    reader.served.isStale = true;
    return new Map();
  }
}

export async function signaturesOf({ env, person }: Reader, media: readonly MediaId[]): Promise<Signatures> {
  if (person === undefined) return new Map();
  return new Map(await Promise.all(media.map((id) => signed(env, id, person))));
}

const signed = async (env: Env, id: MediaId, person: PersonId) => [id, await signatureFor(env, id, person)] as const;
