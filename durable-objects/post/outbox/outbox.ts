/**
 * Sends a post's changes to the projector, tells people of them, and sends the post itself to its readers, until all of it
 * is confirmed.
 *
 * There is no table of messages: each like and comment carries the `seq` of its last change, and `post.confirmed` says
 * how far D1 has them, so what is above it is the outbox. It is committed with the change by nature, and a like that was
 * taken back before it was sent folds to its last state. The same holds for whom to tell of them, and `post.noticed`.
 *
 * A queue is no proof: the local one forgets everything when its process ends. So only the consumer's confirmation,
 * after its own commit, takes something out; what is not confirmed in time is sent again.
 */
import { STORE_ANSWERS_WITHIN, within } from "../../../schema/d1/deadline.ts";
import type { PostBody, PostFacts, PostStanding } from "../../../schema/messages/facts.ts";
import type { CommentThreads } from "../comments/comment-threads.ts";
import type { LikeSet } from "../likes/like-set.ts";
import { noticesSince } from "./notices.ts";
import type { PostRecord } from "../post-record.ts";
import type { PostRow } from "../post-tables.ts";

/** Changes within this many milliseconds travel together. */
export const FLUSH_DELAY = 200;
/**
 * People are told of the first change at once, and then of all that comes within this many milliseconds together: so a post
 * that a million people like rewrites its author's entry ten thousand times a day at most.
 */
export const NOTICE_WINDOW = 10_000;
/** Unconfirmed changes are sent again after 5 s, then 10, 20... up to 5 minutes. */
const RETRY_DELAY = 5000;
const RETRY_DELAY_MAX = 300_000;
/** Bounds one message: 500 likes are about 35 kB, and a comment has up to 8 kB. */
const LIKES_PER_MESSAGE = 500;
const COMMENTS_PER_MESSAGE = 8;
/** A queue's message may have 128 kB. A post has up to 112, and then travels alone. */
const BYTES_PER_MESSAGE = 110_000;
/** More than this travels by itself: up to 110 kB. */
const NOTICES_BESIDE_FACTS = 10_000;
/** Of one alarm, which must end; the next one goes on. */
const MESSAGES_PER_FLUSH = 100;

type Sources = { record: PostRecord; likes: LikeSet; comments: CommentThreads };
type Notices = NonNullable<PostFacts["notices"]>;

export class Outbox {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #sources: Sources;
  readonly #post: Readonly<PostRow>;
  /** Sent in this life of the object; a new life begins at what is confirmed. */
  #sent: number;
  /** As #sent, of whom to tell. */
  #noticesSent: number;
  #noticesSentAt = 0;
  #fanOutSent = false;
  /** When what is under way counts as lost, in ms since 1970; undefined while nothing is. */
  #deadline: number | undefined;
  #attempts = 0;
  #alarm = Number.POSITIVE_INFINITY;

  /** `sources` are the actor's own; here they are only read. */
  constructor(storage: DurableObjectStorage, env: Env, sources: Sources) {
    this.#storage = storage;
    this.#env = env;
    this.#sources = sources;
    this.#post = sources.record.row;
    this.#sent = this.#post.confirmed;
    this.#noticesSent = this.#post.noticed;
    // The runtime gives up an alarm that fails seven times, and on a full disk even setting the next one fails.
    if (this.#pending) this.changed();
  }

  /** Called with each change, in its transaction: the alarm is durable if and only if the change is. */
  changed(): void {
    this.#wakeAt(Date.now() + FLUSH_DELAY);
  }

  /** What people are to be told now must not wait for what they were told last. */
  hurry(): void {
    this.#noticesSentAt = 0;
  }

  /** Everything counts as not sent, and is sent soon. */
  restart(): void {
    this.#sent = this.#post.confirmed;
    this.#noticesSent = this.#post.noticed;
    this.#attempts = 0;
    this.#deadline = undefined;
    this.changed();
  }

  /** A consumer has made progress: what is still under way gets its whole time again. */
  confirmed(): void {
    this.#sent = Math.max(this.#sent, this.#post.confirmed);
    this.#noticesSent = Math.max(this.#noticesSent, this.#post.noticed);
    this.#attempts = 0;
    this.#deadline = this.#underWay ? Date.now() + RETRY_DELAY : undefined;
  }

  /** Runs in the alarm. Whatever fails, the next alarm is set: the runtime gives up on an alarm that throws 7 times. */
  async flush(): Promise<void> {
    this.#alarm = Number.POSITIVE_INFINITY;
    if (this.#deadline !== undefined && Date.now() >= this.#deadline) this.#sendAllAgain();
    try {
      await this.#sendFacts();
      await this.#sendFanOut();
    } catch (error) {
      console.warn("outbox not sent, will be again", { post: this.#post.id, error: String(error) });
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
    // Not awaited: the output gate holds every answer until this is durable.
    void this.#storage.setAlarm(time);
  }

  async #sendFacts(): Promise<void> {
    const mayTell = Date.now() >= this.#noticesDue;
    const isLeft = () => this.#sent < this.#post.seq || (mayTell && this.#noticesSent < this.#post.seq);
    for (let messages = 0; isLeft() && messages < MESSAGES_PER_FLUSH; messages += 1) {
      const notices = mayTell ? noticesSince(this.#storage.sql, this.#sources, this.#noticesSent) : undefined;
      if (notices && this.#isSilence(notices)) {
        this.#sources.record.save({ noticed: notices.to });
        this.#noticesSent = notices.to;
        continue;
      }
      const facts = this.#nextFacts(notices);
      await within(STORE_ANSWERS_WITHIN, this.#env.FACTS.send(facts), "the queue of facts");
      this.#sent = Math.max(this.#sent, facts.to);
      this.#noticesSent = Math.max(this.#noticesSent, notices?.to ?? 0);
      if (notices && notices.list.length > 0) this.#noticesSentAt = Date.now();
      this.#awaitConfirmation();
    }
  }

  /** When nothing but changes that nobody is told of are left, nobody need be told that. */
  #isSilence({ list }: Notices): boolean {
    const { seq, noticed } = this.#post;
    return list.length === 0 && this.#sent === seq && this.#noticesSent === noticed;
  }

  async #sendFanOut(): Promise<void> {
    if (this.#post.delivered || this.#fanOutSent) return;
    const sent = this.#env.FAN_OUT.send({ post: this.#post.id, author: this.#post.author });
    await within(STORE_ANSWERS_WITHIN, sent, "the queue of the fan-out");
    this.#fanOutSent = true;
    this.#awaitConfirmation();
  }

  /** Everything after what was sent, as it stands now, in the order of its `seq`, until a message is full. */
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
    const isTellingAlone = notices && encoder.encode(JSON.stringify(notices)).length > NOTICES_BESIDE_FACTS;
    const all = Math.min(...lists.map((list) => list.to));
    const to = isTellingAlone || from > this.#post.seq ? from - 1 : Math.max(from, fitting(changes, all));
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

/** How far on the way to `to` the changes fit into one message. */
function fitting(changes: { seq: number }[], to: number): number {
  let bytes = 0;
  for (const change of changes.toSorted((a, b) => a.seq - b.seq)) {
    bytes += encoder.encode(JSON.stringify(change)).length;
    if (bytes > BYTES_PER_MESSAGE) return Math.min(to, change.seq - 1);
  }
  return to;
}

const encoder = new TextEncoder();

export const bodyOf = ({ caption, media, edited_at }: Readonly<PostRow>): PostBody => ({
  caption,
  media,
  editedAt: edited_at,
});

export const standingOf = (row: Readonly<PostRow>): PostStanding => ({
  likes: row.likes,
  comments: row.comments,
  seq: row.seq,
  bodySeq: row.body_seq,
  policy: row.policy,
  pinned: row.pinned,
  deleted: row.deleted === 1,
});
