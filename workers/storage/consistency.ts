/**
 * Read-your-writes and monotonic reads. A like or a comment is durable in its post's actor at once, and in D1 a moment
 * later; a row of D1 is on its primary at once, and on its replicas a moment later. So responses carry a
 * `Consistency-Token`: the posts written last, each with the `seq` of the write, and the bookmark of each database that
 * was read or written. A client that sends it back gets those posts from their actors while D1 is behind, and is served
 * by a replica only if that replica has reached the bookmark. The token of a response also has a MAC
 * (workers/responses/reader-middleware.ts).
 */
import { z } from "zod";
import { PostId } from "../../schema/ids.ts";

export const CONSISTENCY_TOKEN = "Consistency-Token";
/** More posts than a person writes to in the second that D1 is behind. Bounds the actor calls of one read. */
const POSTS_MAX = 8;
const DATABASES_MAX = 8;
/** In characters. */
export const TOKEN_LENGTH_MAX = 2000;

/**
 * D1's format, whose text order is time order: https://developers.cloudflare.com/d1/reference/time-travel/#bookmarks
 */
const Bookmark = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/);
const Token = z.object({
  posts: z
    .array(
      z.union([
        z.tuple([PostId, z.number().int().nonnegative()]),
        z.tuple([PostId, z.number().int().nonnegative(), z.boolean()]),
        z.tuple([PostId, z.number().int().nonnegative(), z.boolean().nullable(), z.literal(true)]),
      ]),
    )
    .max(POSTS_MAX),
  databases: z.array(z.tuple([z.string().regex(/^\w{1,32}$/), Bookmark])).max(DATABASES_MAX),
});

/**
 * A write of the viewer: they must see the post at `seq` or newer. `liked` is the state after their last like or
 * unlike. `isNew`: they have just published the post, and D1 may not have it yet.
 */
export type OwnWrite = { seq: number; liked?: boolean | undefined; isNew?: boolean | undefined };

/**
 * The writes and bookmarks that a reader must see: those of the request's token and those of this request. Newest
 * first.
 */
export class Seen {
  readonly #posts: Map<PostId, OwnWrite>;
  readonly #bookmarks: Map<string, string>;
  #isNew = false;

  /** A token that is not one of ours counts as none. */
  constructor(token: string | undefined) {
    const { posts, databases } = parsed(token);
    this.#posts = new Map(posts.map(([post, seq, liked, isNew]) => [post, { seq, liked: liked ?? undefined, isNew }]));
    this.#bookmarks = new Map(databases);
  }

  post(post: PostId): OwnWrite | undefined {
    return this.#posts.get(post);
  }

  /** The posts that the viewer has just published, newest write first. */
  get published(): PostId[] {
    return [...this.#posts].flatMap(([post, { isNew }]) => (isNew ? [post] : []));
  }

  /** Adds a write of this request. Beyond POSTS_MAX the oldest post is dropped. */
  wrote(post: PostId, write: OwnWrite): void {
    const before = this.#posts.get(post);
    this.#posts.delete(post);
    const merged = {
      seq: Math.max(write.seq, before?.seq ?? 0),
      liked: write.liked ?? before?.liked,
      isNew: write.isNew ?? before?.isNew,
    };
    const older = [...this.#posts].slice(0, POSTS_MAX - 1);
    this.#posts.clear();
    for (const [id, own] of [[post, merged] as const, ...older]) this.#posts.set(id, own);
    this.#isNew = true;
  }

  /** Returns the bookmark that the database of a binding must have reached. */
  bookmark(binding: string): string | undefined {
    return this.#bookmarks.get(binding);
  }

  /** Records that this request has read or written a database at `bookmark`. */
  reached(binding: string, bookmark: string): void {
    const before = this.#bookmarks.get(binding);
    if (before !== undefined && before >= bookmark) return;
    this.#bookmarks.delete(binding);
    const older = [...this.#bookmarks].slice(0, DATABASES_MAX - 1);
    this.#bookmarks.clear();
    for (const [name, at] of [[binding, bookmark] as const, ...older]) this.#bookmarks.set(name, at);
    this.#isNew = true;
  }

  /** The token for the response; undefined when it would hold nothing that the request's token does not. */
  get token(): string | undefined {
    if (!this.#isNew) return undefined;
    const posts = [...this.#posts].map(([id, { seq, liked, isNew }]) => {
      if (isNew) return [id, seq, liked ?? null, true];
      return liked === undefined ? [id, seq] : [id, seq, liked];
    });
    return btoa(
      JSON.stringify({ posts, databases: [...this.#bookmarks].filter(([, at]) => Bookmark.safeParse(at).success) }),
    );
  }
}

function parsed(token: string | undefined): z.infer<typeof Token> {
  if (token !== undefined && token.length <= TOKEN_LENGTH_MAX) {
    try {
      return Token.parse(JSON.parse(atob(token)));
    } catch {
      // Not one of ours.
    }
  }
  return { posts: [], databases: [] };
}
