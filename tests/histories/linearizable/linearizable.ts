/**
 * Decides whether a history is linearizable: whether every operation can be given one moment between its invocation and
 * its return so that, in the order of these moments, a sequential model answers each of them as it was answered.
 *
 * The search is Wing and Gong's, "Testing and Verifying Concurrent Objects" (1993): again and again one of those
 * operations goes next that were invoked before any other one returned, and where none fits the last choice is undone.
 * Lowe, "Testing for linearizability" (2017), adds the memory of configurations (what went, and the state it led to), none
 * of which is searched twice; porcupine does the same. Two shortcuts leave every verdict as it is:
 *
 * - A read that fits now goes now: any order that has it later also holds with it here. (This is wrong for a write that
 *   happens to change nothing now: later it may be the one that undoes another.)
 * - Unanswered operations of one kind are interchangeable once invoked, so only the oldest one is tried.
 *
 * An operation without an answer may take effect at any time after its invocation, or never.
 */

export type Operation<Input, Output> = {
  input: Input;
  /** Undefined where it is not known, as without an answer; then any will do. */
  output: Output | undefined;
  /** On one clock for the whole history. Operations that touch at a moment count as concurrent. */
  invoke: number;
  /** Infinity where there was no answer. */
  return: number;
  name?: string;
  /** The name of an answered operation that comes before this one in any order, although they may be concurrent. */
  after?: string | undefined;
};

export type Model<State, Input, Output> = {
  initial: State;
  /** The state afterwards, the very same one if nothing changes; undefined if this cannot be the answer in `state`. */
  step: (state: State, input: Input, output: Output | undefined) => State | undefined;
  /** Equal for equal states only. */
  keyOf: (state: State) => string;
  /** Equal for inputs that do the same. */
  kindOf: (input: Input) => string;
  /** Whether, answered like this, it changes nothing after a state that it does not change. */
  isRead: (input: Input, output: Output | undefined) => boolean;
  /** Whether this cannot be the answer in any state after `state` either. It only makes the search shorter. */
  isTooLate?: (state: State, input: Input, output: Output) => boolean;
};

export type Linearized = { ok: true; configurations: number } | { ok: false; configurations: number; why: string };

/** Bounds time and memory: no history of the corpus or of the torture has needed a hundredth of it. */
const CONFIGURATIONS_MAX = 3_000_000;

export function linearize<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
): Linearized {
  return new Search(model, history).run();
}

/** An answered operation by its index; the oldest unanswered one of a kind by -1 - the index of the kind. */
type Next = number;
type Choice<State> = { next: Next; state: State };
type Branch<State> = { choices: Choice<State>[]; state: State; went: number };

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  /** In the order of their invocations. */
  readonly #answered: Operation<Input, Output>[];
  /** By kind, each in the order of invocations. */
  readonly #unanswered: Operation<Input, Output>[][];
  /** By name, the indices of answered operations. */
  readonly #named: Map<string, number>;
  readonly #gone: boolean[];
  #goneCount = 0;
  /** All answered operations before this one have gone. */
  #first = 0;
  /** How many of each kind of `#unanswered` have gone: always the oldest ones. */
  readonly #goneOfKind: number[];
  #state: State;
  readonly #went: Next[] = [];
  readonly #seen = new Set<string>();
  #furthest = { gone: -1, why: "" };

  constructor(model: Model<State, Input, Output>, history: readonly Operation<Input, Output>[]) {
    const inOrder = history.toSorted((a, b) => a.invoke - b.invoke);
    this.#model = model;
    this.#answered = inOrder.filter((operation) => Number.isFinite(operation.return));
    const unanswered = inOrder.filter((operation) => !Number.isFinite(operation.return));
    this.#unanswered = [...Map.groupBy(unanswered, ({ input }) => model.kindOf(input)).values()];
    this.#named = new Map(this.#answered.flatMap(({ name }, index) => (name === undefined ? [] : [[name, index]])));
    this.#gone = this.#answered.map(() => false);
    this.#goneOfKind = this.#unanswered.map(() => 0);
    this.#state = model.initial;
  }

  run(): Linearized {
    const branches: Branch<State>[] = [];
    for (;;) {
      this.#goFreely();
      const configurations = this.#seen.size;
      if (this.#goneCount === this.#answered.length) return { ok: true, configurations };
      if (configurations > CONFIGURATIONS_MAX) {
        return { ok: false, configurations, why: `undecided after ${configurations} configurations` };
      }
      branches.push({ choices: this.#choices(), state: this.#state, went: this.#went.length });
      if (!this.#chooseFrom(branches)) return { ok: false, configurations, why: this.#furthest.why };
    }
  }

  /** Makes the next choice of the last branch that has one left. */
  #chooseFrom(branches: Branch<State>[]): boolean {
    for (let branch = branches.at(-1); branch; branch = branches.at(-1)) {
      this.#undoTo(branch);
      const choice = branch.choices.pop();
      if (choice) {
        this.#go(choice.next);
        this.#state = choice.state;
        return true;
      }
      branches.pop();
    }
    return false;
  }

  #goFreely(): void {
    for (let found = true; found;) {
      found = false;
      for (const index of this.#mayGo().answered) {
        const operation = this.#answered[index];
        if (!operation || !this.#isFree(operation)) continue;
        this.#go(index);
        found = true;
      }
    }
  }

  /** The best is the last one: an answer says where its operation belongs, so the unanswered ones come after it. */
  #choices(): Choice<State>[] {
    const { answered, until } = this.#mayGo();
    this.#noteProgress(answered);
    if (this.#isKnown() || this.#isHopeless(answered)) return [];
    const choices: Choice<State>[] = [];
    for (const [kind, operations] of this.#unanswered.entries()) {
      const oldest = operations[this.#goneOfKind[kind] ?? 0];
      if (!oldest || oldest.invoke > until) continue;
      const state = this.#step(oldest);
      if (state !== undefined && state !== this.#state) choices.push({ next: -1 - kind, state });
    }
    for (const index of answered.toReversed()) {
      const operation = this.#answered[index];
      const state = operation && this.#step(operation);
      if (state !== undefined) choices.push({ next: index, state });
    }
    return choices;
  }

  /** The answered operations that were invoked before any other one returned; `until` is that return. */
  #mayGo(): { answered: number[]; until: number } {
    const answered: number[] = [];
    let until = Number.POSITIVE_INFINITY;
    for (let index = this.#first; index < this.#answered.length; index += 1) {
      const operation = this.#answered[index];
      if (!operation || operation.invoke > until) break;
      if (this.#gone[index]) continue;
      if (!this.#waits(operation)) answered.push(index);
      until = Math.min(until, operation.return);
    }
    return { answered, until };
  }

  #waits({ after }: Operation<Input, Output>): boolean {
    const before = after === undefined ? undefined : this.#named.get(after);
    return before !== undefined && !this.#gone[before];
  }

  #step({ input, output }: Operation<Input, Output>): State | undefined {
    return this.#model.step(this.#state, input, output);
  }

  #isFree(operation: Operation<Input, Output>): boolean {
    return this.#model.isRead(operation.input, operation.output) && this.#step(operation) === this.#state;
  }

  #go(next: Next): void {
    this.#went.push(next);
    if (next < 0) {
      this.#goneOfKind[-1 - next] = (this.#goneOfKind[-1 - next] ?? 0) + 1;
      return;
    }
    this.#gone[next] = true;
    this.#goneCount += 1;
    while (this.#gone[this.#first]) this.#first += 1;
  }

  #undoTo({ went, state }: Branch<State>): void {
    while (this.#went.length > went) {
      const next = this.#went.pop() ?? 0;
      if (next < 0) {
        this.#goneOfKind[-1 - next] = (this.#goneOfKind[-1 - next] ?? 0) - 1;
        continue;
      }
      this.#gone[next] = false;
      this.#goneCount -= 1;
      this.#first = Math.min(this.#first, next);
    }
    this.#state = state;
  }

  /** Remembers this configuration, and says whether it was searched before. */
  #isKnown(): boolean {
    let key = `${this.#model.keyOf(this.#state)}|${this.#goneOfKind.join()}|${this.#first}|`;
    // Before `first` everything has gone, so only what went ahead of it tells configurations apart.
    let ahead = this.#goneCount - this.#first;
    for (let index = this.#first; ahead > 0; index += 1) {
      key += this.#gone[index] ? "1" : "0";
      if (this.#gone[index]) ahead -= 1;
    }
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    return false;
  }

  #isHopeless(answered: number[]): boolean {
    const { isTooLate } = this.#model;
    return answered.some((index) => {
      const operation = this.#answered[index];
      return operation?.output !== undefined && isTooLate?.(this.#state, operation.input, operation.output);
    });
  }

  #noteProgress(answered: number[]): void {
    if (this.#goneCount <= this.#furthest.gone) return;
    const stuck = answered.map((index) => {
      const { input, output } = this.#answered[index] ?? {};
      return `${JSON.stringify(input)} -> ${JSON.stringify(output)}`;
    });
    const why =
      `${this.#goneCount} of ${this.#answered.length} operations have an order, ending in the state ` +
      `${this.#model.keyOf(this.#state)}; none of these fits next: ${stuck.join(", ")}`;
    this.#furthest = { gone: this.#goneCount, why };
  }
}
