/**
 * Sends a post's changes and notices to the projector, and the post itself to fan-out, until all of it is confirmed.
 *
 * There is no table of messages. Each like and comment carries the `seq` of its last change, and `post.confirmed` is
 * the `seq` up to which D1 has them; everything above it is the outbox. So an outbox entry is always committed with its
 * change, and a like that was taken back before it was sent folds to its last state. Notices work the same way, with
 * `post.noticed`.
 *
 * Changes go to the projector in two ways: handed to the caller of the command, who projects them together with those
 * of other posts, or, soon after, through a queue. Either may lose them: a process ends, and the local queue loses
 * everything with it. So only D1 itself, which notes up to which `seq` it has everything, removes an entry; what it does
 * not have in time is sent again. When to send what is for OutboxPolicy to decide.
 *
 * The first change after a rest sets an alarm, which comes when all should have arrived, and asks D1. Until then a timer
 * in memory is enough: if it is lost, the alarm sends what it would have sent. So a burst of changes costs one alarm.
 */
import { sql } from "drizzle-orm";
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import { databaseOf, refreshShardMap } from "../../../schema/d1/shards.ts";
import { textOf } from "../../../schema/d1/sql.ts";
import type { PostFacts } from "../../../schema/messages/facts.ts";
import type { PostBody, PostStanding } from "../../../schema/posts.ts";
import { postStats } from "../../../schema/tables/posts.ts";
import { logWarning } from "../../../schema/log.ts";
import type { CommentThreads } from "../comments/comment-threads.ts";
import type { LikeSet } from "../likes/like-set.ts";
import { noticesSince } from "./notices.ts";
import type { PostRecord } from "../post-record.ts";
import type { HandedOut } from "../post-results.ts";
import { FLUSH_DELAY, type NextMessage, OutboxPolicy } from "./outbox-policy.ts";
import { RETRY_DELAY } from "./sending.ts";
import type { PostRow } from "../post-tables.ts";

/** Limits of one message: 500 likes are about 35 kB, and a comment is up to 8 kB. */
const LIKES_PER_MESSAGE = 500;
const COMMENTS_PER_MESSAGE = 8;
/** A queue message may have 128 kB. A post is up to 112 kB, and then has a message of its own. */
const BYTES_PER_MESSAGE = 110_000;
/** In bytes. Notices larger than this, which are up to 110 kB, have a message of their own. */
const NOTICES_BESIDE_FACTS = 10_000;
/** The most messages of one flush, which must end; the next one goes on. */
const MESSAGES_PER_FLUSH = 100;
/** An alarm may come this much later than it should, in ms, if it is set already: setting it again would cost a row. */
const ALARM_SLACK = 1000;
/**
 * What D1 has confirmed is saved with the next change that writes the post's row, or once it is this many changes. Until
 * then a start begins the outbox at the saved `seq`, so it may send that many changes again.
 */
const SAVED_AFTER = 8;

type Sources = { record: PostRecord; likes: LikeSet; comments: CommentThreads };
type Notices = NonNullable<PostFacts["notices"]>;

type Arrived = Pick<typeof postStats.$inferSelect, "projected" | "noticed">;
const ARRIVED = textOf(sql`
  SELECT ${postStats.projected} AS "projected", ${postStats.noticed} AS "noticed" FROM ${postStats}
  WHERE ${postStats.post} = ?1`);

export class Outbox {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #sources: Sources;
  readonly #post: Readonly<PostRow>;
  /** In memory only: after a restart the object begins again at the saved `confirmed`. */
  readonly #policy: OutboxPolicy;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the stored alarm comes; Infinity if it is not known to be set. */
  #alarm = Number.POSITIVE_INFINITY;
  /** The flush under way, if any, and those that wait for it. */
  #flushes = 0;
  #lastFlush: Promise<void> = Promise.resolve();

  /** `sources` belong to the actor. The outbox reads them, and saves what D1 has confirmed. */
  constructor(storage: DurableObjectStorage, env: Env, sources: Sources) {
    this.#storage = storage;
    this.#env = env;
    this.#sources = sources;
    this.#post = sources.record.row;
    this.#policy = new OutboxPolicy(this.#post);
    if (this.#policy.isPending) this.#timer = setTimeout(() => void this.#resume(), FLUSH_DELAY);
  }

  /** Must be called with each change, in its transaction: the alarm is durable if and only if the change is. */
  changed(): void {
    this.#wakeAt(this.#policy.changed(Date.now()));
  }

  /**
   * Returns what would be sent next, for a caller that delivers it; nothing if the outbox sends it itself. To be called in
   * the same turn as the change.
   */
  handOut(): HandedOut {
    const now = Date.now();
    if (this.#flushes > 0 || !this.#policy.mayHandOut(now)) return {};
    const next = this.#policy.nextMessage;
    const message = next && this.#messageAfter(next);
    if (!message || message.facts.to < this.#post.seq) return {};
    clearTimeout(this.#timer);
    this.#policy.sentFacts("caller", message.facts.to, message.notices, now);
    const { isFanOutDue } = this.#policy;
    if (isFanOutDue) this.#policy.sentFanOut(now);
    this.#wakeAt(this.#policy.handedOut(now));
    return { facts: message.facts, ...(isFanOutDue && { fanOut: true }) };
  }

  /** Sends the next notices without waiting for NOTICE_WINDOW. */
  hurry(): void {
    this.#policy.hurry();
  }

  /** Treats everything unconfirmed as not sent, and sends it soon. */
  restart(): void {
    this.#wakeAt(this.#policy.restart(Date.now()));
  }

  /** Must be called when fan-out has confirmed something. */
  delivered(): void {
    this.#policy.delivered(Date.now());
  }

  /** Runs in the alarm. */
  async alarm(): Promise<void> {
    this.#alarm = Number.POSITIVE_INFINITY;
    await this.#flush(() => this.confirm());
  }

  /**
   * Asks D1 up to where it has everything, unless that is known to be the end. Costs one D1 query that reads one row,
   * and now and then writes one row. Never fails.
   */
  async confirm(): Promise<void> {
    const { record, likes } = this.#sources;
    const { id, confirmed, noticed } = this.#post;
    if (confirmed >= this.#post.seq && noticed >= this.#post.seq) return;
    try {
      await refreshShardMap(this.#env);
      const arrived = await databaseOf(this.#env, id).first<Arrived>(ARRIVED, id);
      if (!arrived) return;
      const { seq } = this.#post;
      const upTo = Math.max(this.#post.confirmed, Math.min(arrived.projected, seq));
      const noticedUpTo = Math.max(this.#post.noticed, Math.min(arrived.noticed, seq));
      if (upTo === confirmed && noticedUpTo === noticed) return;
      record.confirm(upTo, noticedUpTo, SAVED_AFTER);
      likes.confirmed(upTo);
      this.#policy.arrived(Date.now());
    } catch (error) {
      logWarning("outbox could not ask D1 what has arrived", { post: id, error: String(error) });
    }
  }

  /** Flushes after those before it. */
  #flush(before?: () => Promise<void>): Promise<void> {
    this.#flushes += 1;
    this.#lastFlush = this.#lastFlush.then(() => this.#flushNow(before));
    return this.#lastFlush;
  }

  /** Sends what is due. Sets the next alarm whatever fails: the runtime gives up on an alarm that throws 7 times. */
  async #flushNow(before?: () => Promise<void>): Promise<void> {
    try {
      await before?.();
      this.#policy.wake(Date.now());
      await this.#sendFacts();
      await this.#sendFanOut();
    } catch (error) {
      logWarning("outbox not sent, will retry", { post: this.#post.id, error: String(error) });
      this.#policy.failed();
    } finally {
      this.#flushes -= 1;
      this.#wakeAt(this.#policy.finish(Date.now()));
    }
  }

  /**
   * After a start without a change, which would have set an alarm: what is pending may have arrived before, or its alarm
   * may be gone, because the runtime gives up after seven failures, and on a full disk even setting one fails.
   */
  async #resume(): Promise<void> {
    try {
      if ((await this.#storage.getAlarm()) !== null || this.#flushes > 0) return;
      await this.confirm();
      if (this.#policy.isPending) this.changed();
    } catch (error) {
      logWarning("outbox not resumed, the next change or start will", { post: this.#post.id, error: String(error) });
    }
  }

  /** A timer in memory serves a wake-up that is near; the alarm follows it, in case it is lost. */
  #wakeAt(time: number | undefined): void {
    if (time === undefined) return;
    const now = Date.now();
    const isNear = time <= now + FLUSH_DELAY;
    if (isNear) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#flush(), Math.max(0, time - now));
    }
    const latest = isNear ? time + RETRY_DELAY : time;
    if (this.#alarm <= latest + ALARM_SLACK) return;
    this.#alarm = latest;
    // Not awaited: the output gate holds every response until this is durable.
    void this.#storage.setAlarm(latest);
  }

  async #sendFacts(): Promise<void> {
    for (let messages = 0; messages < MESSAGES_PER_FLUSH; messages += 1) {
      const next = this.#policy.nextMessage;
      if (!next) return;
      const message = this.#messageAfter(next);
      if (!message) continue;
      const { facts, notices } = message;
      await within(STORE_TIMEOUT, this.#env.FACTS.send(facts), "the queue of facts");
      this.#policy.sentFacts("queue", facts.to, notices, Date.now());
    }
  }

  async #sendFanOut(): Promise<void> {
    if (!this.#policy.isFanOutDue) return;
    const sent = this.#env.FAN_OUT.send({ post: this.#post.id, author: this.#post.author });
    await within(STORE_TIMEOUT, sent, "the queue of the fan-out");
    this.#policy.sentFanOut(Date.now());
  }

  /** Returns the next message; undefined if it would only say that there are no notices, which is then noted. */
  #messageAfter(next: NextMessage): { facts: PostFacts; notices: Notices | undefined } | undefined {
    const { noticesAfter } = next;
    const notices =
      noticesAfter === undefined ? undefined : noticesSince(this.#storage.sql, this.#sources, noticesAfter);
    if (notices && this.#policy.isNothingToSend(notices)) {
      const { record } = this.#sources;
      record.confirm(record.row.confirmed, notices.to, SAVED_AFTER);
      this.#policy.skippedNotices(notices.to);
      return undefined;
    }
    return { facts: this.#nextFacts(next, notices), notices };
  }

  /** Fills a message with the present state of everything after `factsAfter`, in the order of its `seq`. */
  #nextFacts({ factsAfter }: NextMessage, notices: Notices | undefined): PostFacts {
    const { id, author, confirmed, noticed } = this.#post;
    const { likes, comments } = this.#sources;
    const from = factsAfter + 1;
    // A comment is saved with the post's row, so after that row there are only likes.
    const isOnlyLikes = from > this.#sources.record.saved;
    const none = { changes: [], to: this.#post.seq };
    const lists = [
      likes.changes(from, LIKES_PER_MESSAGE),
      isOnlyLikes ? none : comments.changes(from, COMMENTS_PER_MESSAGE),
      isOnlyLikes ? none : comments.likeChanges(from, LIKES_PER_MESSAGE),
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
      noticed,
      commentsUpTo: isOnlyLikes ? "" : comments.wholeUpTo(to),
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
  takenDown: row.taken_down === 1,
});
