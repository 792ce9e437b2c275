import fc from "fast-check";
import { expect, it } from "vitest";
import { type Carrier, FLUSH_DELAY, NOTICE_WINDOW, OutboxPolicy, type Progress, QUEUE_TIME } from "./outbox-policy.ts";
import { RETRY_DELAY, RETRY_DELAY_MAX } from "./sending.ts";

/** Small limits, so that a few changes need several messages, and many changes several alarms. */
const CHANGES_PER_MESSAGE = 3;
const MESSAGES_PER_FLUSH = 4;

/** What is under way of one kind: the `seq` of changes or of their notices, or 1 for the fan-out. */
class UnderWay {
  readonly all = new Set<number>();
  since: number | undefined;
  delay = RETRY_DELAY;
  losses = 0;

  add(seqs: number[], now: number, tries: number): void {
    for (const seq of seqs) this.all.add(seq);
    if (this.since !== undefined || this.all.size === 0) return;
    this.since = now;
    this.delay = RETRY_DELAY;
    for (let n = 0; n < tries + this.losses; n += 1) this.delay = Math.min(2 * this.delay, RETRY_DELAY_MAX);
  }

  arrived(done: number, now: number): void {
    for (const seq of this.all) if (seq <= done) this.all.delete(seq);
    this.losses = 0;
    this.delay = RETRY_DELAY;
    this.since = this.all.size > 0 ? now : undefined;
  }

  get end(): number {
    return this.since === undefined ? Number.POSITIVE_INFINITY : this.since + this.delay;
  }

  lose(): void {
    this.losses += 1;
    this.forget();
  }

  forget(): void {
    this.all.clear();
    this.since = undefined;
  }
}

type Message = { from: number; to: number; notices: { from: number; to: number; list: number[] } | undefined };

/**
 * An actor and its queue without a runtime, and beside them the rules of the policy as a model: what of each kind is
 * under way since when, how long it may take, and when notices were sent last. Each step compares the two.
 */
class World {
  now = 1_800_000_000_000;
  readonly progress: Progress = { seq: 0, confirmed: 0, noticed: 0, delivered: 0 };
  policy = new OutboxPolicy(this.progress);
  alarm: number | undefined;
  isQueueUp = true;
  readonly messages: Message[] = [];
  readonly fanOutsAt: number[] = [];
  /** When each flush was that sent or tried to send something. */
  readonly triedAt: number[] = [];
  /** What happens while the queue is accepting the next messages, before the outbox hears of it. */
  readonly meanwhile: (() => void)[] = [];
  /** The changes that somebody is notified of. */
  readonly #notable = new Set<number>();

  readonly #facts = new UnderWay();
  readonly #notices = new UnderWay();
  readonly #fanOut = new UnderWay();
  /** Sends refused since the last confirmation. */
  #tries = 0;
  #noticesAt = 0;
  #factsAt = 0;
  #queuedAt = 0;

  change(isNotable: boolean): void {
    this.progress.seq += 1;
    if (isNotable) this.#notable.add(this.progress.seq);
    this.#setAlarm(this.policy.changed(this.now));
    expect(this.alarm).toBeLessThanOrEqual(this.now + FLUSH_DELAY);
  }

  hurry(): void {
    this.policy.hurry();
    this.#noticesAt = 0;
  }

  /** As `handOut` of the outbox, which hands out whole messages only. Returns whether it did. */
  handOut(): boolean {
    const isLateEnough = this.now >= this.#factsAt + FLUSH_DELAY && this.now >= this.#queuedAt + QUEUE_TIME;
    const isAllowed = !this.#isFailing && isLateEnough;
    expect(this.policy.mayHandOut(this.now)).toBe(isAllowed);
    if (!isAllowed) return false;
    const message = this.#message(this.now >= this.#noticesAt + NOTICE_WINDOW);
    if (!message || message.to < this.progress.seq) return false;
    this.messages.push(message);
    this.#sent("caller", message);
    if (this.policy.isFanOutDue) {
      expect(!this.progress.delivered && this.#fanOut.all.size === 0).toBe(true);
      this.#sentFanOut();
    }
    this.alarm = undefined;
    this.#setAlarm(this.policy.handedOut(this.now));
    expect(this.#hasAlarm).toBe(this.policy.isPending);
    return true;
  }

  /** As `projectAgain` of the actor. */
  restart(): void {
    this.progress.confirmed = 0;
    this.progress.noticed = 0;
    this.#setAlarm(this.policy.restart(this.now));
    for (const kind of [this.#facts, this.#notices]) this.#startAgain(kind);
    this.#tries = 0;
  }

  /** The memory is lost, as when the object is evicted. The alarm is not. */
  evict(): void {
    this.#factsAt = 0;
    this.#queuedAt = 0;
    this.policy = new OutboxPolicy(this.progress);
    if (this.policy.isPending) this.#setAlarm(this.policy.changed(this.now));
    for (const kind of this.#kinds) this.#startAgain(kind);
    this.#noticesAt = 0;
    this.#tries = 0;
  }

  /** D1 has a message, and the actor hears of it. */
  confirm({ from, to, notices }: Message): void {
    const { confirmed, noticed } = this.progress;
    const reached = (done: number, range: { from: number; to: number } | undefined): number =>
      range && range.from <= done + 1 ? Math.max(done, range.to) : done;
    this.progress.confirmed = reached(confirmed, { from, to });
    this.progress.noticed = reached(noticed, notices);
    if (this.progress.confirmed === confirmed && this.progress.noticed === noticed) return;
    this.policy.arrived(this.now);
    this.#tries = 0;
    if (this.progress.confirmed > confirmed) this.#facts.arrived(this.progress.confirmed, this.now);
    if (this.progress.noticed > noticed) this.#notices.arrived(this.progress.noticed, this.now);
  }

  /** As `confirmDelivered` of the actor. */
  deliver(isWhole: boolean): void {
    if (this.progress.delivered) return;
    if (isWhole) this.progress.delivered = 1;
    this.policy.delivered(this.now);
    this.#tries = 0;
    this.#fanOut.arrived(this.progress.delivered, this.now);
  }

  /** Time passes. Alarms go off when they are due, unless the object is too busy: then they go off at the end. */
  pass(ms: number, isBusy = false): void {
    const end = this.now + ms;
    if (isBusy) this.now = end;
    while (this.alarm !== undefined && this.alarm <= end) {
      this.now = Math.max(this.now, this.alarm);
      this.flush();
    }
    this.now = end;
  }

  /** As `flush` of the outbox. */
  flush(): void {
    this.alarm = undefined;
    this.policy.wake(this.now);
    for (const kind of this.#kinds) {
      if (this.now < kind.end) continue;
      kind.lose();
      if (kind === this.#notices) this.#noticesAt = 0;
    }
    const mayNotify = this.now >= this.#noticesAt + NOTICE_WINDOW && !this.#isProbing;
    const isAllSent = this.#sendFacts(mayNotify) && this.#sendFanOut();
    if (!isAllSent) {
      this.policy.failed();
      this.#tries += 1;
    }
    this.#setAlarm(this.policy.finish(this.now));
    expect(this.#hasAlarm).toBe(this.policy.isPending);
    const end = Math.min(...this.#kinds.map((kind) => kind.end));
    if (this.policy.isPending) expect(this.alarm).toBeLessThanOrEqual(Math.max(end, this.now + FLUSH_DELAY));
  }

  check(): void {
    const { seq, confirmed, noticed, delivered } = this.progress;
    const isPending = confirmed < seq || noticed < seq || !delivered;
    expect(this.policy.isPending).toBe(isPending);
    if (isPending) expect(this.alarm).toBeLessThanOrEqual(this.now + RETRY_DELAY_MAX);
  }

  #sendFacts(mayNotifyAtFirst: boolean): boolean {
    let mayNotify = mayNotifyAtFirst;
    for (let messages = 0; messages < MESSAGES_PER_FLUSH; messages += 1) {
      const message = this.#message(mayNotify);
      if (!message) {
        const isCovered = (done: number, underWay: Set<number>) => (seq: number) => seq <= done || underWay.has(seq);
        expect(this.#all.every(isCovered(this.progress.confirmed, this.#facts.all))).toBe(true);
        if (mayNotify && !this.#isProbing) {
          expect(this.#all.every(isCovered(this.progress.noticed, this.#notices.all))).toBe(true);
        }
        return true;
      }
      this.triedAt.push(this.now);
      if (!this.isQueueUp) return false;
      this.messages.push(message);
      this.meanwhile.shift()?.();
      if (message.to > Math.max(this.progress.confirmed, ...this.#facts.all)) this.#queuedAt = this.now;
      this.#sent("queue", message);
      // Lost notices go one message at a time, even if that one is confirmed before the flush ends.
      if (this.#isProbing) mayNotify = false;
    }
    return true;
  }

  /** The next message, after those that would only say that there are no notices; undefined if there is none. */
  #message(mayNotify: boolean): Message | undefined {
    for (let next = this.policy.nextMessage; next; next = this.policy.nextMessage) {
      const { factsAfter, noticesAfter } = next;
      const areFactsLeft = factsAfter < this.progress.seq;
      expect(noticesAfter !== undefined).toBe(
        mayNotify && !this.#isProbing && !(this.#notices.losses > 0 && areFactsLeft),
      );
      const message: Message = {
        from: factsAfter + 1,
        to: Math.min(factsAfter + CHANGES_PER_MESSAGE, this.progress.seq),
        notices: noticesAfter === undefined ? undefined : this.#noticesAfter(noticesAfter),
      };
      const { notices } = message;
      if (notices && this.policy.isNothingToSend(notices)) {
        expect([notices.list, this.#notices.all.size]).toEqual([[], 0]);
        this.progress.noticed = notices.to;
        this.#notices.losses = 0;
        this.policy.skippedNotices(notices.to);
        continue;
      }
      const isNew = (done: number, underWay: Set<number>) => (seq: number) => seq > done && !underWay.has(seq);
      expect(range(message.from, message.to).every(isNew(this.progress.confirmed, this.#facts.all))).toBe(true);
      if (notices) {
        const numbers = range(notices.from, notices.to);
        expect(numbers.every(isNew(this.progress.noticed, this.#notices.all))).toBe(true);
      }
      return message;
    }
    return undefined;
  }

  #sent(carrier: Carrier, { from, to, notices }: Message): void {
    this.policy.sentFacts(carrier, to, notices, this.now);
    const { confirmed, noticed } = this.progress;
    const facts = range(Math.max(from, confirmed + 1), to);
    this.#facts.add(facts, this.now, this.#tries);
    if (notices) this.#notices.add(range(Math.max(notices.from, noticed + 1), notices.to), this.now, this.#tries);
    if (notices && notices.list.length > 0) this.#noticesAt = this.now;
    this.#factsAt = this.now;
  }

  #sendFanOut(): boolean {
    expect(this.policy.isFanOutDue).toBe(!this.progress.delivered && this.#fanOut.all.size === 0);
    if (!this.policy.isFanOutDue) return true;
    this.triedAt.push(this.now);
    if (!this.isQueueUp) return false;
    this.#sentFanOut();
    return true;
  }

  #sentFanOut(): void {
    this.fanOutsAt.push(this.now);
    this.policy.sentFanOut(this.now);
    this.#fanOut.add([1], this.now, this.#tries);
  }

  #startAgain(kind: UnderWay): void {
    kind.forget();
    kind.losses = 0;
  }

  get #kinds(): UnderWay[] {
    return [this.#facts, this.#notices, this.#fanOut];
  }

  get #isFailing(): boolean {
    return this.#tries > 0 || this.#kinds.some(({ losses }) => losses > 0);
  }

  get #hasAlarm(): boolean {
    return this.alarm !== undefined;
  }

  get #all(): number[] {
    return range(1, this.progress.seq);
  }

  #noticesAfter(seq: number): { from: number; to: number; list: number[] } {
    const to = Math.min(seq + 2 * CHANGES_PER_MESSAGE, this.progress.seq);
    return { from: seq + 1, to, list: range(seq + 1, to).filter((n) => this.#notable.has(n)) };
  }

  /** Notices that were lost are sent one message at a time. */
  get #isProbing(): boolean {
    return this.#notices.losses > 0 && this.#notices.all.size > 0;
  }

  #setAlarm(time: number | undefined): void {
    if (time !== undefined) this.alarm = time;
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

/** A post whose first change is made, as `publish` of the actor does. */
function published(): World {
  const world = new World();
  world.change(false);
  return world;
}

/** A post with nothing pending. */
function settled(): World {
  const world = published();
  world.pass(FLUSH_DELAY);
  world.messages.splice(0).forEach((message) => world.confirm(message));
  world.deliver(true);
  world.pass(RETRY_DELAY);
  expect(world.alarm).toBeUndefined();
  return world;
}

const gaps = (times: number[]): number[] => {
  const distinct = [...new Set(times)];
  return distinct.slice(1).map((time, index) => time - (distinct[index] ?? 0));
};

it("has the figures that its rules name", () => {
  expect([FLUSH_DELAY, RETRY_DELAY, RETRY_DELAY_MAX, NOTICE_WINDOW]).toEqual([200, 10_000, 300_000, 10_000]);
});

it("sends changes of the same 200 ms together", () => {
  const world = settled();
  world.change(false);
  world.pass(150);
  world.change(false);
  world.pass(49);
  expect(world.messages).toEqual([]);
  world.pass(1);
  expect(world.messages).toMatchObject([{ from: 2, to: 3 }]);
});

it("goes on 200 ms later with more changes than an alarm may send", () => {
  const world = settled();
  for (let n = 0; n < 30; n += 1) world.change(false);
  world.pass(3 * FLUSH_DELAY);
  expect(gaps(world.triedAt).slice(1)).toEqual([FLUSH_DELAY, FLUSH_DELAY]);
  expect(world.messages.at(-1)).toMatchObject({ from: 29, to: 31 });
});

it("sends what stays unconfirmed again after 10 s, doubled each time, and never more than 300 s apart", () => {
  const world = published();
  world.pass(2_000_000);
  expect(gaps(world.triedAt)).toEqual([10, 20, 40, 80, 160, 300, 300, 300, 300, 300].map((s) => s * 1000));
  expect(world.messages.every(({ from, to }) => from === 1 && to === 1)).toBe(true);
  expect(world.fanOutsAt).toHaveLength(world.messages.length);
});

it("backs off in the same way while a queue refuses", () => {
  const world = published();
  world.isQueueUp = false;
  world.pass(1_000_000);
  expect(gaps(world.triedAt)).toEqual([20, 40, 80, 160, 300, 300].map((s) => s * 1000));
});

it("waits 10 s again after a confirmation of what was lost", () => {
  const world = published();
  world.pass(FLUSH_DELAY + 10_000 + 20_000 + 40_000);
  world.messages.forEach((message) => world.confirm(message));
  world.deliver(false);
  world.messages.splice(0);
  world.fanOutsAt.splice(0);
  world.pass(80_000); // The alarm that was set before.
  world.pass(20_000);
  expect(gaps(world.fanOutsAt)).toEqual([20_000]);
  expect(world.messages).toEqual([]);
});

it("keeps backing off from notices that always fail, while everything else is confirmed", () => {
  const world = settled();
  const noticesAt: number[] = [];
  const factsAfter: number[] = [];
  for (let n = 0; n < 5000; n += 1) {
    world.change(true);
    const changedAt = world.now;
    world.pass(300);
    for (const { notices, ...facts } of world.messages.splice(0)) {
      if (notices) noticesAt.push(world.now);
      if (facts.from > facts.to) continue;
      // The first messages carry both, so they fail.
      if (noticesAt.length > 1) factsAfter.push(world.now - changedAt);
      if (!notices) world.confirm({ ...facts, notices: undefined });
    }
  }
  expect(world.progress.confirmed).toBe(world.progress.seq);
  expect(Math.max(...factsAfter)).toBe(300);
  const waits = gaps(noticesAt).map((ms) => ms / 1000);
  for (const [index, seconds] of [10, 20, 40, 80, 160, 300, 300, 300].entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(seconds - 1);
    expect(waits[index]).toBeLessThanOrEqual(seconds + 1);
  }
});

it("sends the first notices at once, and the next ones ten seconds later", () => {
  const world = settled();
  const start = world.now;
  const noticesAt: number[] = [];
  for (let n = 0; n < 250; n += 1) {
    world.change(true);
    world.pass(100);
    for (const message of world.messages.splice(0)) {
      if (message.notices) noticesAt.push(world.now - start);
      world.confirm(message);
    }
  }
  expect([...new Set(noticesAt)]).toEqual([200, 10_200, 20_200]);
});

it("sends notices at once when told to hurry", () => {
  const world = settled();
  world.change(true);
  world.pass(1000);
  world.change(true);
  world.hurry();
  world.pass(FLUSH_DELAY);
  expect(world.messages.map(({ notices }) => notices?.list)).toEqual([[2], [3]]);
});

it("sends no message for changes without notices", () => {
  const world = settled();
  world.change(true);
  world.pass(FLUSH_DELAY);
  world.change(false);
  world.pass(FLUSH_DELAY);
  world.messages.forEach((message) => world.confirm(message));
  world.pass(NOTICE_WINDOW);
  expect(world.messages.map(({ to }) => to)).toEqual([2, 3]);
  expect(world.progress).toMatchObject({ seq: 3, noticed: 3 });
  expect(world.alarm).toBeUndefined();
});

it("hands a lone change out, and sends the changes of the next 200 ms together", () => {
  const world = settled();
  world.change(true);
  expect(world.handOut()).toBe(true);
  expect(world.messages).toMatchObject([{ from: 2, to: 2, notices: { list: [2] } }]);
  world.pass(50);
  world.change(true);
  expect(world.handOut()).toBe(false);
  world.pass(FLUSH_DELAY);
  expect(world.messages.slice(1)).toMatchObject([{ from: 3, to: 3, notices: undefined }]);
});

it("sends what was handed out and has not arrived, and then hands nothing out until something is confirmed", () => {
  const world = settled();
  world.change(false);
  world.handOut();
  world.pass(RETRY_DELAY);
  expect(world.messages).toMatchObject([
    { from: 2, to: 2 },
    { from: 2, to: 2 },
  ]);
  world.pass(FLUSH_DELAY);
  world.change(false);
  expect(world.handOut()).toBe(false);
  world.messages.forEach((message) => world.confirm(message));
  world.pass(FLUSH_DELAY);
  world.messages.forEach((message) => world.confirm(message));
  world.pass(QUEUE_TIME);
  world.change(false);
  expect(world.handOut()).toBe(true);
});

it("sends one message of lost notices in a flush, even if it is confirmed meanwhile, and the others soon after", () => {
  const world = settled();
  world.change(true);
  world.handOut();
  // While the facts are sent again, then the notices, then the new change.
  world.meanwhile.push(
    () => undefined,
    () => world.change(true),
    () => world.messages.slice(0, 1).forEach((message) => world.confirm(message)),
  );
  world.pass(RETRY_DELAY);
  expect(world.messages.map(({ notices }) => notices?.list)).toEqual([[2], undefined, [2], undefined]);
  world.pass(NOTICE_WINDOW);
  expect(world.messages.at(4)?.notices?.list).toEqual([3]);
});

it("sends facts that were lost again 10 s after they were sent, although their notices arrive", () => {
  const world = settled();
  world.change(true);
  world.handOut();
  const [message] = world.messages.splice(0);
  world.pass(RETRY_DELAY / 2);
  world.confirm({ from: 3, to: 2, notices: message?.notices });
  world.pass(RETRY_DELAY / 2);
  expect(world.messages).toMatchObject([{ from: 2, to: 2 }]);
});

it("sends notices that were lost again 10 s after they were sent, although other facts arrive all the time", () => {
  const world = settled();
  world.change(true);
  const noticesAt: number[] = [];
  for (const start = world.now; world.now < start + 2 * RETRY_DELAY; world.change(false)) {
    world.pass(FLUSH_DELAY);
    for (const { notices, ...facts } of world.messages.splice(0)) {
      if (notices && notices.list.length > 0) noticesAt.push(world.now - start);
      world.confirm({ ...facts, notices: undefined });
    }
  }
  expect(noticesAt).toEqual([FLUSH_DELAY, FLUSH_DELAY + RETRY_DELAY]);
});

it("hands out nothing that would overtake a message in the queue", () => {
  const world = settled();
  world.change(false);
  world.pass(FLUSH_DELAY);
  expect(world.messages).toHaveLength(1);
  world.pass(QUEUE_TIME - FLUSH_DELAY);
  world.change(false);
  expect(world.handOut()).toBe(false);
  world.pass(FLUSH_DELAY);
  world.pass(QUEUE_TIME);
  world.change(false);
  expect(world.handOut()).toBe(true);
});

const name = (text: string) => ({ [fc.toStringMethod]: () => text });
type Step = { run: (world: World) => void };
const step = (text: string, run: Step["run"]): Step => ({ run, ...name(text) });
const durations = [50, 200, 1000, 4900, 5000, 10_000, 60_000, 300_000] as const;

const happening = fc.oneof(
  fc.boolean().map((isNotable) => step(`change(${isNotable})`, (world) => world.change(isNotable))),
  // Any message ever sent, so confirmations come twice, late and in any order.
  fc.nat({ max: 20 }).map((n) =>
    step(`confirm(${n})`, (world) => {
      const message = world.messages.at(-1 - (n % Math.max(1, world.messages.length)));
      if (message) world.confirm(message);
    }),
  ),
  fc.constantFrom(false, false, true).map((isWhole) =>
    step(`deliver(${isWhole})`, (world) => {
      if (world.fanOutsAt.length > 0) world.deliver(isWhole);
    }),
  ),
  fc.constant(step("hurry", (world) => world.hurry())),
);
// In one turn, which the end of a flush cannot come between.
const changeAndHandOut = fc.boolean().map((isNotable) =>
  step(`change(${isNotable}), hand out`, (world) => {
    world.change(isNotable);
    world.handOut();
  }),
);
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: happening },
    { weight: 6, arbitrary: changeAndHandOut },
    {
      weight: 8,
      arbitrary: fc
        .tuple(fc.constantFrom(...durations), fc.boolean())
        .map(([ms, isBusy]) => step(`pass(${ms}, ${isBusy})`, (world) => world.pass(ms, isBusy))),
    },
    {
      weight: 1,
      arbitrary: happening.map((what) =>
        step(`meanwhile(${fc.stringify(what)})`, (world) => world.meanwhile.push(() => what.run(world))),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.boolean().map((isUp) =>
        step(`queue(${isUp ? "up" : "down"})`, (world) => {
          world.isQueueUp = isUp;
        }),
      ),
    },
    { weight: 1, arbitrary: fc.constant(step("restart", (world) => world.restart())) },
    { weight: 1, arbitrary: fc.constant(step("evict", (world) => world.evict())) },
  ),
  { maxLength: 60, size: "max" },
);

it("keeps its rules whatever changes, is confirmed, lost or refused, and ends when the queue works", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const world = published();
      for (const { run } of all) {
        run(world);
        world.check();
      }
      world.isQueueUp = true;
      for (let alarms = 0; world.alarm !== undefined; alarms += 1) {
        expect(alarms).toBeLessThan(200);
        world.pass(Math.max(0, world.alarm - world.now));
        for (const message of world.messages.splice(0)) world.confirm(message);
        if (world.fanOutsAt.length > 0) world.deliver(true);
      }
      expect(world.policy.isPending).toBe(false);
    }),
    { numRuns: 1000 },
  );
});
