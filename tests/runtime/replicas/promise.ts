/**
 * The promise about visibility: nothing that is published after an acknowledged block, removal of a follower or change
 * to a private account is ever shown to the people it excludes. What was published before may be seen for as long
 * as a replica lags.
 */
import type { PersonId, PostId } from "../../../schema/ids.ts";

/** Thrown when a response shows what the promise forbids. */
export class BrokenPromise extends Error {}

/** A viewer: a person, or "" for everybody who is not signed in. */
export type ViewerId = PersonId | "";

/** The relations of some people at one moment, as their primaries have them. Pairs are in the form of `pairOf`. */
export type Relations = {
  privates: ReadonlySet<PersonId>;
  /** Pairs of a follower and a followee. */
  follows: ReadonlySet<string>;
  /** Pairs of a person and somebody they have blocked. */
  blocks: ReadonlySet<string>;
};

export const pairOf = (one: ViewerId, other: ViewerId): string => `${one} ${other}`;

/** Something published: a post, one version of its caption, or a comment. `mark` is how it is found in a response. */
export type Published = { mark: string; by: PersonId; on: { post: PostId; author: PersonId }; at: number };

/** `hasToken`: the request carried the token of all that the viewer has done. */
type Terms = { hasToken: boolean };

/** Since when a viewer has been kept from an author without a break; for pairs of a viewer and an author. */
type Since = Map<string, number>;

export class Visibility {
  readonly #people: readonly PersonId[];
  readonly #published: Published[] = [];
  /** By a block in either direction. */
  readonly #blocked: Since = new Map();
  /** By a block, or because the author is private and not followed. */
  readonly #excluded: Since = new Map();
  /** Likewise, but those who have unfollowed the author count as followers, as they do until their replica has it. */
  readonly #excludedFromAll: Since = new Map();
  /** Pairs of a person and the author they have unfollowed. */
  readonly #unfollowed = new Set<string>();
  /** Pairs of a follower and the author who has removed them, until the databases have it. */
  readonly #removed = new Set<string>();
  #now: Relations = { privates: new Set(), follows: new Set(), blocks: new Set() };

  constructor(people: readonly PersonId[]) {
    this.#people = people;
  }

  get relations(): Relations {
    return this.#now;
  }

  publish(published: Published): void {
    this.#published.push(published);
  }

  /** Takes note of an unfollow by `person`, which holds at once only for those who send their consistency token. */
  unfollowed(person: PersonId, author: PersonId): void {
    const pair = pairOf(person, author);
    if (this.#now.follows.has(pair)) this.#unfollowed.add(pair);
  }

  /** Takes note of an acknowledged removal. From now on `follower` counts as none, whatever the databases have. */
  removed(follower: PersonId, author: PersonId): void {
    this.#removed.add(pairOf(follower, author));
  }

  /** Takes note of the relations after the step `at`, whose changes have been acknowledged. */
  observe(now: Relations, at: number): void {
    const before = this.#now;
    this.#now = now;
    for (const author of this.#people) {
      for (const viewer of [...this.#people, ""] as const) {
        if (viewer === author) continue;
        const pair = pairOf(viewer, author);
        const isBlocked = now.blocks.has(pair) || now.blocks.has(pairOf(author, viewer));
        // A block by either ends what the viewer may still see by an older state, and a new follow begins again.
        if (isBlocked || (now.follows.has(pair) && !before.follows.has(pair))) this.#unfollowed.delete(pair);
        if (!now.follows.has(pair)) this.#removed.delete(pair);
        const isFollower = now.follows.has(pair) && !this.#removed.has(pair);
        const isHidden = now.privates.has(author) && !isFollower;
        keep(this.#blocked, pair, isBlocked, at);
        keep(this.#excluded, pair, isBlocked || isHidden, at);
        keep(this.#excludedFromAll, pair, isBlocked || (isHidden && !this.#unfollowed.has(pair)), at);
      }
    }
  }

  /** Returns whether the relations keep the viewer from the posts of `author`. */
  isExcluded(viewer: ViewerId, author: PersonId): boolean {
    return this.#excluded.has(pairOf(viewer, author));
  }

  /** Returns what a response shows to `viewer` against the promise. */
  violations(viewer: ViewerId, text: string, { hasToken }: Terms): string[] {
    const excluded = hasToken ? this.#excluded : this.#excludedFromAll;
    const isAfter = (since: number | undefined, at: number) => since !== undefined && at > since;
    return this.#published.flatMap(({ mark, by, on, at }) => {
      if (by === viewer || !text.includes(mark)) return [];
      const since = excluded.get(pairOf(viewer, on.author));
      const blockedSince = this.#blocked.get(pairOf(viewer, by));
      const isOwnBlock = [by, on.author].some((author) => this.#now.blocks.has(pairOf(viewer, author)));
      if (hasToken && isOwnBlock) return [`${mark} by ${by} despite the viewer's own block`];
      if (!isAfter(since, at) && !isAfter(blockedSince, at)) return [];
      return [`${mark} by ${by}, of step ${at}; excluded since ${since}, blocked since ${blockedSince}`];
    });
  }
}

function keep(since: Since, pair: string, is: boolean, at: number): void {
  if (!is) since.delete(pair);
  else if (!since.has(pair)) since.set(pair, at);
}
