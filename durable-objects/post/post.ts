import type { PersonId } from "../../schema/ids.ts";
import { Captions } from "./captions.ts";
import { CommentThreads } from "./comments/comment-threads.ts";
import { IdempotencyKeys } from "./comments/idempotency-keys.ts";
import { LikeSet } from "./likes/like-set.ts";
import { bodyOf, Outbox, standingOf } from "./outbox/outbox.ts";
import type { Snapshot, Stats } from "./post-results.ts";
import { PostRecord } from "./post-record.ts";
import { WatchingRelays } from "./watching-relays.ts";

/** The components of a published post in its Durable Object. */
export class Post {
  readonly record: PostRecord;
  readonly likes: LikeSet;
  readonly comments: CommentThreads;
  readonly captions: Captions;
  readonly keys: IdempotencyKeys;
  readonly outbox: Outbox;
  readonly relays: WatchingRelays;

  private constructor(ctx: DurableObjectState, env: Env, record: PostRecord) {
    const { sql } = ctx.storage;
    this.record = record;
    this.likes = new LikeSet(sql, record);
    this.comments = new CommentThreads(sql, record);
    this.captions = new Captions(sql, record);
    this.keys = new IdempotencyKeys(sql);
    this.outbox = new Outbox(ctx.storage, env, this);
    this.relays = new WatchingRelays(ctx.storage, env, this);
  }

  /** Returns undefined if the post was never published. */
  static load(ctx: DurableObjectState, env: Env): Post | undefined {
    const record = PostRecord.load(ctx.storage);
    return record && new Post(ctx, env, record);
  }

  /** Must be called after each change, so that the outbox and the watching relays pass it on. */
  changed(): void {
    this.outbox.changed();
    this.relays.changed();
  }

  isBy(person: PersonId | undefined): boolean {
    return person === this.record.row.author;
  }

  get stats(): Stats {
    const { likes, comments, seq } = this.record.row;
    return { likes, comments, seq };
  }

  snapshot(viewer: PersonId | undefined): Snapshot {
    const { row } = this.record;
    const liked = viewer !== undefined && this.likes.has(viewer);
    return { author: row.author, body: bodyOf(row), standing: standingOf(row), confirmed: row.confirmed, liked };
  }
}
