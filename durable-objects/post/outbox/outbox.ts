/**
 * Sends a post's changes and notices to the projector, and the post itself to fan-out, until all of it is confirmed.
 *
 * There is no table of messages. Each like and comment carries the `seq` of its last change, and `post.confirmed` is
 * the `seq` up to which D1 has them; everything above it is the outbox. So an outbox entry is always committed with its
 * change, and a like that was taken back before it was sent folds to its last state. Notices work the same way, with
 * `post.noticed`.
 *
 * A queue that has accepted a message proves nothing: the local one loses everything when its process ends. So only a
 * confirmation, which the consumer sends after its own commit, removes an entry; an entry that is not confirmed in time
 * is sent again. When to send what is for OutboxPolicy to decide.
 */
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import type { PostFacts } from "../../../schema/messages/facts.ts";
import type { PostBody, PostStanding } from "../../../schema/posts.ts";
import { logWarning } from "../../../schema/log.ts";
import type { CommentThreads } from "../comments/comment-threads.ts";
import type { LikeSet } from "../likes/like-set.ts";
import { noticesSince } from "./notices.ts";
import type { PostRecord } from "../post-record.ts";
import { type NextMessage, OutboxPolicy } from "./outbox-policy.ts";
import type { PostRow } from "../post-tables.ts";

/** Limits of one message: 500 likes are about 35 kB, and a comment is up to 8 kB. */
const LIKES_PER_MESSAGE = 500;
const COMMENTS_PER_MESSAGE = 8;
/** A queue message may have 128 kB. A post is up to 112 kB, and then has a message of its own. */
const BYTES_PER_MESSAGE = 110_000;
/** In bytes. Notices larger than this, which are up to 110 kB, have a message of their own. */
const NOTICES_BESIDE_FACTS = 10_000;
/** The most messages of one alarm, which must end; the next one goes on. */
const MESSAGES_PER_FLUSH = 100;

type Sources = { record: PostRecord; likes: LikeSet; comments: CommentThreads };
type Notices = NonNullable<PostFacts["notices"]>;

export class Outbox {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #sources: Sources;
  readonly #post: Readonly<PostRow>;
  /** In memory only: after a restart the object begins again at the confirmed `seq`. */
  readonly #policy: OutboxPolicy;

  /** `sources` belong to the actor. The outbox reads them, and saves `noticed` where there is nothing to send. */
  constructor(storage: DurableObjectStorage, env: Env, sources: Sources) {
    this.#storage = storage;
    this.#env = env;
    this.#sources = sources;
    this.#post = sources.record.row;
    this.#policy = new OutboxPolicy(this.#post);
    // The alarm may be gone: the runtime gives up after seven failures, and on a full disk even setting one fails.
    if (this.#policy.isPending) this.changed();
  }

  /** Must be called with each change, in its transaction: the alarm is durable if and only if the change is. */
  changed(): void {
    this.#setAlarm(this.#policy.changed(Date.now()));
  }

  /** Sends the next notices without waiting for NOTICE_WINDOW. */
  hurry(): void {
    this.#policy.hurry();
  }

  /** Treats everything unconfirmed as not sent, and sends it soon. */
  restart(): void {
    this.#setAlarm(this.#policy.restart(Date.now()));
  }

  /** Must be called when a consumer has confirmed something. */
  confirmed(): void {
    this.#policy.confirmed(Date.now());
  }

  /** Runs in the alarm. Sets the next alarm whatever fails: the runtime gives up on an alarm that throws 7 times. */
  async flush(): Promise<void> {
    this.#policy.wake(Date.now());
    try {
      await this.#sendFacts();
      await this.#sendFanOut();
    } catch (error) {
      logWarning("outbox not sent, will retry", { post: this.#post.id, error: String(error) });
      this.#policy.failed();
    } finally {
      this.#setAlarm(this.#policy.finish(Date.now()));
    }
  }

  #setAlarm(time: number | undefined): void {
    // Not awaited: the output gate holds every response until this is durable.
    if (time !== undefined) void this.#storage.setAlarm(time);
  }

  async #sendFacts(): Promise<void> {
    for (let messages = 0; messages < MESSAGES_PER_FLUSH; messages += 1) {
      const next = this.#policy.nextMessage;
      if (!next) return;
      const { noticesAfter } = next;
      const notices =
        noticesAfter === undefined ? undefined : noticesSince(this.#storage.sql, this.#sources, noticesAfter);
      if (notices && this.#policy.isNothingToSend(notices)) {
        this.#sources.record.save({ noticed: notices.to });
        this.#policy.skippedNotices(notices.to);
        continue;
      }
      const facts = this.#nextFacts(next, notices);
      await within(STORE_TIMEOUT, this.#env.FACTS.send(facts), "the queue of facts");
      this.#policy.sentFacts(facts.to, notices, Date.now());
    }
  }

  async #sendFanOut(): Promise<void> {
    if (!this.#policy.isFanOutDue) return;
    const sent = this.#env.FAN_OUT.send({ post: this.#post.id, author: this.#post.author });
    await within(STORE_TIMEOUT, sent, "the queue of the fan-out");
    this.#policy.sentFanOut(Date.now());
  }

  /** Fills a message with the present state of everything after `factsAfter`, in the order of its `seq`. */
  #nextFacts({ factsAfter }: NextMessage, notices: Notices | undefined): PostFacts {
    const { id, author, confirmed } = this.#post;
    const { likes, comments } = this.#sources;
    const from = factsAfter + 1;
    const lists = [
      likes.changes(from, LIKES_PER_MESSAGE),
      comments.changes(from, COMMENTS_PER_MESSAGE),
      comments.likeChanges(from, LIKES_PER_MESSAGE),
    ] as const;
    const body = { ...bodyOf(this.#post), seq: this.#post.body_seq };
    const bodies = body.seq >= from ? [body] : [];
    const [changedLikes, changedComments, changedCommentLikes] = lists;
    const changes: { seq: number }[] = [
      ...bodies,
      ...changedLikes.changes,
      ...changedComments.changes,
      ...changedCommentLikes.changes,
    ];
    const needOwnMessage = notices && encoder.encode(JSON.stringify(notices)).length > NOTICES_BESIDE_FACTS;
    const all = Math.min(...lists.map((list) => list.to));
    const to = needOwnMessage || from > this.#post.seq ? from - 1 : Math.max(from, fitting(changes, all));
    const upTo = ({ seq }: { seq: number }): boolean => seq <= to;
    return {
      post: id,
      author,
      from,
      to,
      confirmed,
      commentsUpTo: comments.wholeUpTo(to),
      ...(bodies.some(upTo) && { body }),
      standing: standingOf(this.#post),
      likes: changedLikes.changes.filter(upTo),
      comments: changedComments.changes.filter(upTo),
      commentLikes: changedCommentLikes.changes.filter(upTo),
      ...(notices && { notices }),
    };
  }
}

/** Returns the `seq`, at most `to`, up to which the changes fit into one message. */
function fitting(changes: { seq: number }[], to: number): number {
  let bytes = 0;
  for (const change of changes.toSorted((a, b) => a.seq - b.seq)) {
    bytes += encoder.encode(JSON.stringify(change)).length;
    if (bytes > BYTES_PER_MESSAGE) return Math.min(to, change.seq - 1);
  }
  return to;
}

const encoder = new TextEncoder();

/** Returns the post's body as messages and results carry it. */
export const bodyOf = ({ caption, media, edited_at }: Readonly<PostRow>): PostBody => ({
  caption,
  media,
  editedAt: edited_at,
});

/** Returns the post's present standing. */
export const standingOf = (row: Readonly<PostRow>): PostStanding => ({
  likes: row.likes,
  comments: row.comments,
  seq: row.seq,
  bodySeq: row.body_seq,
  policy: row.policy,
  pinned: row.pinned,
  deleted: row.deleted === 1,
});
