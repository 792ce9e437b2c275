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
 * is sent again.
 */
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import type { PostBody, PostFacts, PostStanding } from "../../../schema/messages/facts.ts";
import type { CommentThreads } from "../comments/comment-threads.ts";
import type { LikeSet } from "../likes/like-set.ts";
import { noticesSince } from "./notices.ts";
import type { PostRecord } from "../post-record.ts";
import type { PostRow } from "../post-tables.ts";

/** Changes within this many milliseconds share a message. */
export const FLUSH_DELAY = 200;
/**
 * The first change sends notices at once; all changes in the following interval, in milliseconds, share the next ones.
 * So a post that a million people like rewrites its author's notification ten thousand times a day at most.
 */
export const NOTICE_WINDOW = 10_000;
/** Unconfirmed changes are sent again after 5 s, then 10, 20... up to 5 minutes. */
const RETRY_DELAY = 5000;
const RETRY_DELAY_MAX = 300_000;
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
  /** The last `seq` sent. In memory only: after a restart the object begins again at the confirmed `seq`. */
  #sent: number;
  /** The last `seq` sent as notices. */
  #noticesSent: number;
  #noticesSentAt = 0;
  #fanOutSent = false;
  /** When the messages under way count as lost, in ms since 1970; undefined while there are none. */
  #deadline: number | undefined;
  #attempts = 0;
  #alarm = Number.POSITIVE_INFINITY;

  /** `sources` belong to the actor. The outbox reads them, and saves `noticed` where there is nothing to send. */
  constructor(storage: DurableObjectStorage, env: Env, sources: Sources) {
    this.#storage = storage;
    this.#env = env;
    this.#sources = sources;
    this.#post = sources.record.row;
    this.#sent = this.#post.confirmed;
    this.#noticesSent = this.#post.noticed;
    // The alarm may be gone: the runtime gives up after seven failures, and on a full disk even setting one fails.
    if (this.#pending) this.changed();
  }

  /** Must be called with each change, in its transaction: the alarm is durable if and only if the change is. */
  changed(): void {
    this.#wakeAt(Date.now() + FLUSH_DELAY);
  }

  /** Sends the next notices without waiting for NOTICE_WINDOW. */
  hurry(): void {
    this.#noticesSentAt = 0;
  }

  /** Treats everything unconfirmed as not sent, and sends it soon. */
  restart(): void {
    this.#sent = this.#post.confirmed;
    this.#noticesSent = this.#post.noticed;
    this.#attempts = 0;
    this.#deadline = undefined;
    this.changed();
  }

  /** Must be called when a consumer has confirmed something: the messages still under way get their full time again. */
  confirmed(): void {
    this.#sent = Math.max(this.#sent, this.#post.confirmed);
    this.#noticesSent = Math.max(this.#noticesSent, this.#post.noticed);
    this.#attempts = 0;
    this.#deadline = this.#underWay ? Date.now() + RETRY_DELAY : undefined;
  }

  /** Runs in the alarm. Sets the next alarm whatever fails: the runtime gives up on an alarm that throws 7 times. */
  async flush(): Promise<void> {
    this.#alarm = Number.POSITIVE_INFINITY;
    if (this.#deadline !== undefined && Date.now() >= this.#deadline) this.#sendAllAgain();
    try {
      await this.#sendFacts();
      await this.#sendFanOut();
    } catch (error) {
      console.warn("outbox not sent, will retry", { post: this.#post.id, error: String(error) });
      this.#attempts += 1;
    } finally {
      if (this.#pending) this.#wakeAt(this.#nextFlush());
    }
  }

  #nextFlush(): number {
    const now = Date.now();
    if (this.#attempts > 0) return this.#deadline ?? now + this.#retryDelay();
    if (this.#sent < this.#post.seq) return now + FLUSH_DELAY;
    const window = this.#noticesSent < this.#post.seq ? Math.max(this.#noticesDue, now + FLUSH_DELAY) : undefined;
    return Math.min(this.#deadline ?? now + this.#retryDelay(), window ?? Number.POSITIVE_INFINITY);
  }

  get #pending(): boolean {
    const { confirmed, noticed, seq, delivered } = this.#post;
    return confirmed < seq || noticed < seq || !delivered;
  }

  /** When the next notices may be sent, in ms since 1970. */
  get #noticesDue(): number {
    return this.#noticesSentAt + NOTICE_WINDOW;
  }

  #retryDelay(): number {
    return Math.min(RETRY_DELAY * 2 ** this.#attempts, RETRY_DELAY_MAX);
  }

  #sendAllAgain(): void {
    this.#attempts += 1;
    this.#sent = this.#post.confirmed;
    this.#noticesSent = this.#post.noticed;
    this.#noticesSentAt = 0;
    this.#fanOutSent = false;
    this.#deadline = undefined;
  }

  get #underWay(): boolean {
    const { confirmed, noticed, delivered } = this.#post;
    return this.#sent > confirmed || this.#noticesSent > noticed || (this.#fanOutSent && !delivered);
  }

  #awaitConfirmation(): void {
    this.#deadline ??= Date.now() + this.#retryDelay();
  }

  #wakeAt(time: number): void {
    if (time >= this.#alarm) return;
    this.#alarm = time;
    // Not awaited: the output gate holds every response until this is durable.
    void this.#storage.setAlarm(time);
  }

  async #sendFacts(): Promise<void> {
    const mayNotify = Date.now() >= this.#noticesDue;
    const isLeft = () => this.#sent < this.#post.seq || (mayNotify && this.#noticesSent < this.#post.seq);
    for (let messages = 0; isLeft() && messages < MESSAGES_PER_FLUSH; messages += 1) {
      const notices = mayNotify ? noticesSince(this.#storage.sql, this.#sources, this.#noticesSent) : undefined;
      if (notices && this.#isNothingToSend(notices)) {
        this.#sources.record.save({ noticed: notices.to });
        this.#noticesSent = notices.to;
        continue;
      }
      const facts = this.#nextFacts(notices);
      await within(STORE_TIMEOUT, this.#env.FACTS.send(facts), "the queue of facts");
      this.#sent = Math.max(this.#sent, facts.to);
      this.#noticesSent = Math.max(this.#noticesSent, notices?.to ?? 0);
      if (notices && notices.list.length > 0) this.#noticesSentAt = Date.now();
      this.#awaitConfirmation();
    }
  }

  /** Whether only changes without notices are left. They need no message of their own. */
  #isNothingToSend({ list }: Notices): boolean {
    const { seq, noticed } = this.#post;
    return list.length === 0 && this.#sent === seq && this.#noticesSent === noticed;
  }

  async #sendFanOut(): Promise<void> {
    if (this.#post.delivered || this.#fanOutSent) return;
    const sent = this.#env.FAN_OUT.send({ post: this.#post.id, author: this.#post.author });
    await within(STORE_TIMEOUT, sent, "the queue of the fan-out");
    this.#fanOutSent = true;
    this.#awaitConfirmation();
  }

  /** Fills a message with the present state of everything after `#sent`, in the order of its `seq`. */
  #nextFacts(notices: Notices | undefined): PostFacts {
    const { id, author, confirmed } = this.#post;
    const { likes, comments } = this.#sources;
    const from = this.#sent + 1;
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
