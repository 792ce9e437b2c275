import type { MediaId } from "../../schema/ids.ts";
import { logWarning } from "../../schema/log.ts";
import { signedQueryFor } from "./media-signatures.ts";
import type { Reader } from "../storage/reader.ts";
import type { Viewer } from "../storage/viewer.ts";
import type { KnownPost } from "./stored-posts.ts";

/** The signature that a file's URLs end with for one viewer, by file. A file that is not in the map needs none. */
export type Signatures = ReadonlyMap<MediaId, string>;

/**
 * Signs the files of those `posts` that not everybody may see. The viewer must be allowed to see all of `posts`. Costs
 * no query.
 */
export async function signaturesFor(reader: Reader, posts: readonly KnownPost[]): Promise<Signatures> {
  const closed = posts.filter(({ audience, stats }) => audience.isPrivate || audience.isBarred || stats.takenDown);
  const media = closed.flatMap(({ document }) => document.media.map(({ id }) => id));
  try {
    return await signaturesOf(reader, media);
  } catch (error) {
    logWarning("addresses not signed", { error: String(error) }); // A post without pictures beats no post.
    reader.served.isStale = true;
    return new Map();
  }
}

/** Signs each file for the viewer; returns none for an anonymous viewer. */
export async function signaturesOf({ env, viewer }: Reader, media: readonly MediaId[]): Promise<Signatures> {
  if (viewer === undefined) return new Map();
  return new Map(await Promise.all(media.map((id) => signed(env, id, viewer))));
}

const signed = async (env: Env, id: MediaId, viewer: Viewer) => [id, await signedQueryFor(env, id, viewer)] as const;
