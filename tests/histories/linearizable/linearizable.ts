/**
 * Decides whether a history is linearizable: whether every operation can be assigned one moment between its invocation
 * and its return so that a sequential model, run in the order of these moments, gives each operation its recorded
 * output.
 *
 * The search is that of Wing and Gong, "Testing and Verifying Concurrent Objects" (1993): each step picks one of the
 * operations that were invoked before any other remaining one returned, and backtracks if none fits. Lowe, "Testing for
 * linearizability" (2017), adds a memory of configurations (the operations placed, and the resulting state), so that
 * none is searched twice; porcupine does the same. Two shortcuts change no verdict:
 *
 * - A read that fits now is placed now: any order that has it later is also valid with it here. (This does not hold for
 *   a write that changes nothing now: later it may be the one that undoes another.)
 * - Unanswered operations of one kind are interchangeable once invoked, so only the oldest one is tried.
 *
 * An unanswered operation may take effect at any time after its invocation, or never.
 */

export type Operation<Input, Output> = {
  input: Input;
  /** Undefined if unknown, as for an unanswered operation; then any output fits. */
  output: Output | undefined;
  /** On one clock for the whole history. Operations that share a moment count as concurrent. */
  invoke: number;
  /** Infinity for an unanswered operation. */
  return: number;
  name?: string;
  /** The name of an answered operation that must come before this one, even if the two are concurrent. */
  after?: string | undefined;
};

export type Model<State, Input, Output> = {
  initial: State;
  /** Returns the next state, or the same object if nothing changes; undefined if `state` does not allow this output. */
  step: (state: State, input: Input, output: Output | undefined) => State | undefined;
  /** Returns a key that differs for different states. */
  keyOf: (state: State) => string;
  /** Returns the same kind for inputs with the same effect. */
  kindOf: (input: Input) => string;
  /** Whether an operation with this output that changes nothing now also changes nothing later. */
  isRead: (input: Input, output: Output | undefined) => boolean;
  /** Whether neither `state` nor any later state allows this output. Only shortens the search. */
  isTooLate?: (state: State, input: Input, output: Output) => boolean;
};

export type Linearized = { ok: true; configurations: number } | { ok: false; configurations: number; why: string };

/** Bounds time and memory. No history of the corpus or of the torture runs has needed a hundredth of it. */
const CONFIGURATIONS_MAX = 3_000_000;

/** Searches for a valid order. If there is none, `why` describes the longest valid prefix that was found. */
export function linearize<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
): Linearized {
  return new Search(model, history).run();
}

/** The index of an answered operation, or -1 - the index of a kind for its oldest unanswered operation. */
type Next = number;
type Choice<State> = { next: Next; state: State };
type Branch<State> = { choices: Choice<State>[]; state: State; placed: number };

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  /** In order of invocation. */
  readonly #answered: Operation<Input, Output>[];
  /** By kind, each in order of invocation. */
  readonly #unanswered: Operation<Input, Output>[][];
  /** The indices of named answered operations. */
  readonly #named: Map<string, number>;
  readonly #placed: boolean[];
  #placedCount = 0;
  /** All answered operations before this index are placed. */
  #first = 0;
  /** How many of each kind of `#unanswered` are placed: always the oldest ones. */
  readonly #placedOfKind: number[];
  #state: State;
  readonly #order: Next[] = [];
  readonly #seen = new Set<string>();
  #furthest = { placed: -1, why: "" };

  constructor(model: Model<State, Input, Output>, history: readonly Operation<Input, Output>[]) {
    const inOrder = history.toSorted((a, b) => a.invoke - b.invoke);
    this.#model = model;
    this.#answered = inOrder.filter((operation) => Number.isFinite(operation.return));
    const unanswered = inOrder.filter((operation) => !Number.isFinite(operation.return));
    this.#unanswered = [...Map.groupBy(unanswered, ({ input }) => model.kindOf(input)).values()];
    this.#named = new Map(this.#answered.flatMap(({ name }, index) => (name === undefined ? [] : [[name, index]])));
    this.#placed = this.#answered.map(() => false);
    this.#placedOfKind = this.#unanswered.map(() => 0);
    this.#state = model.initial;
  }

  run(): Linearized {
    const branches: Branch<State>[] = [];
    for (;;) {
      this.#placeReads();
      const configurations = this.#seen.size;
      if (this.#placedCount === this.#answered.length) return { ok: true, configurations };
      if (configurations > CONFIGURATIONS_MAX) {
        return { ok: false, configurations, why: `no verdict after ${configurations} configurations` };
      }
      branches.push({ choices: this.#choices(), state: this.#state, placed: this.#order.length });
      if (!this.#chooseFrom(branches)) return { ok: false, configurations, why: this.#furthest.why };
    }
  }

  /** Takes the next choice of the last branch that has one left. Returns false if no branch has. */
  #chooseFrom(branches: Branch<State>[]): boolean {
    for (let branch = branches.at(-1); branch; branch = branches.at(-1)) {
      this.#undoTo(branch);
      const choice = branch.choices.pop();
      if (choice) {
        this.#place(choice.next);
        this.#state = choice.state;
        return true;
      }
      branches.pop();
    }
    return false;
  }

  #placeReads(): void {
    for (let found = true; found;) {
      found = false;
      for (const index of this.#candidates().answered) {
        const operation = this.#answered[index];
        if (!operation || !this.#isReadThatFits(operation)) continue;
        this.#place(index);
        found = true;
      }
    }
  }

  /** Returns the possible next operations, best last: the output of an answered one says where it belongs. */
  #choices(): Choice<State>[] {
    const { answered, until } = this.#candidates();
    this.#noteProgress(answered);
    if (this.#wasSearched() || this.#isHopeless(answered)) return [];
    const choices: Choice<State>[] = [];
    for (const [kind, operations] of this.#unanswered.entries()) {
      const oldest = operations[this.#placedOfKind[kind] ?? 0];
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

  /** Returns the answered operations invoked before any other remaining one returned; `until` is that return. */
  #candidates(): { answered: number[]; until: number } {
    const answered: number[] = [];
    let until = Number.POSITIVE_INFINITY;
    for (let index = this.#first; index < this.#answered.length; index += 1) {
      const operation = this.#answered[index];
      if (!operation || operation.invoke > until) break;
      if (this.#placed[index]) continue;
      if (!this.#mustWait(operation)) answered.push(index);
      until = Math.min(until, operation.return);
    }
    return { answered, until };
  }

  #mustWait({ after }: Operation<Input, Output>): boolean {
    const before = after === undefined ? undefined : this.#named.get(after);
    return before !== undefined && !this.#placed[before];
  }

  #step({ input, output }: Operation<Input, Output>): State | undefined {
    return this.#model.step(this.#state, input, output);
  }

  #isReadThatFits(operation: Operation<Input, Output>): boolean {
    return this.#model.isRead(operation.input, operation.output) && this.#step(operation) === this.#state;
  }

  #place(next: Next): void {
    this.#order.push(next);
    if (next < 0) {
      this.#placedOfKind[-1 - next] = (this.#placedOfKind[-1 - next] ?? 0) + 1;
      return;
    }
    this.#placed[next] = true;
    this.#placedCount += 1;
    while (this.#placed[this.#first]) this.#first += 1;
  }

  #undoTo({ placed, state }: Branch<State>): void {
    while (this.#order.length > placed) {
      const next = this.#order.pop() ?? 0;
      if (next < 0) {
        this.#placedOfKind[-1 - next] = (this.#placedOfKind[-1 - next] ?? 0) - 1;
        continue;
      }
      this.#placed[next] = false;
      this.#placedCount -= 1;
      this.#first = Math.min(this.#first, next);
    }
    this.#state = state;
  }

  /** Records this configuration. Returns whether it was searched before. */
  #wasSearched(): boolean {
    let key = `${this.#model.keyOf(this.#state)}|${this.#placedOfKind.join()}|${this.#first}|`;
    // Everything before `first` is placed, so only operations placed beyond it distinguish configurations.
    let ahead = this.#placedCount - this.#first;
    for (let index = this.#first; ahead > 0; index += 1) {
      key += this.#placed[index] ? "1" : "0";
      if (this.#placed[index]) ahead -= 1;
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
    if (this.#placedCount <= this.#furthest.placed) return;
    const stuck = answered.map((index) => {
      const { input, output } = this.#answered[index] ?? {};
      return `${JSON.stringify(input)} -> ${JSON.stringify(output)}`;
    });
    const why =
      `${this.#placedCount} of ${this.#answered.length} operations can be ordered, ending in the state ` +
      `${this.#model.keyOf(this.#state)}; none of these fits next: ${stuck.join(", ")}`;
    this.#furthest = { placed: this.#placedCount, why };
  }
}
