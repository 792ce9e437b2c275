import { computed, signal } from "@preact/signals";
import { isGone } from "./gone.ts";
import { type ApiProblem, asProblem } from "./problem.ts";

type Page<T> = { items: T[]; next?: string | undefined };
type Load<T> = (cursor?: string) => Promise<Page<T>>;

/** How long a list is shown again without asking whether there is something new. */
const FRESH_MS = 20_000;
/** How many lists of one kind are kept for the way back. */
const LISTS_MAX = 20;
/** A page that opens this soon after `popstate` was reached by the back button. */
const TRAVERSAL_MS = 500;

let traversedAt = -Infinity;
addEventListener("popstate", () => {
  traversedAt = performance.now();
});

/** A list that is read page by page, and stays where it was while somebody looks at one of its entries. */
export class List<T> {
  readonly items = computed(() => this.#items.value.filter((item) => !isGone(this.#keyOf(item))));
  readonly state = signal<"partial" | "loading" | "failed" | "whole">("partial");
  readonly problem = signal<ApiProblem | undefined>(undefined);

  readonly #items = signal<T[]>([]);
  readonly #load: Load<T>;
  readonly #keyOf: (item: T) => string;
  readonly #freshMs: number;
  #next: string | undefined;
  #readAt = -Infinity;

  constructor(load: Load<T>, keyOf: (item: T) => string, freshMs = FRESH_MS) {
    this.#load = load;
    this.#keyOf = keyOf;
    this.#freshMs = freshMs;
  }

  /** Has anything been read yet? */
  get started(): boolean {
    return this.#readAt > -Infinity;
  }

  /** To be called when the list comes into view. On the way back it is left alone, so that the place in it is kept. */
  open(): void {
    const now = performance.now();
    if (!this.started) void this.more();
    else if (now - this.#readAt > this.#freshMs && now - traversedAt > TRAVERSAL_MS) void this.refresh();
  }

  async more(): Promise<void> {
    if (this.state.value === "loading" || this.state.value === "whole") return;
    await this.#read(this.#next);
  }

  /** Reads the first page again. What is there stays until the answer has come. */
  async refresh(): Promise<void> {
    if (this.state.value !== "loading") await this.#read(undefined);
  }

  /** Takes one entry out, of this list alone. */
  drop(key: string): void {
    this.#items.value = this.#items.value.filter((item) => this.#keyOf(item) !== key);
  }

  async #read(cursor: string | undefined): Promise<void> {
    this.state.value = "loading";
    try {
      const page = await this.#load(cursor);
      this.#items.value = this.#withoutRepeats(
        cursor === undefined ? page.items : [...this.#items.value, ...page.items],
      );
      this.problem.value = undefined;
      this.#next = page.next;
      this.#readAt = performance.now();
      this.state.value = page.next === undefined ? "whole" : "partial";
    } catch (error) {
      this.problem.value = asProblem(error);
      this.state.value = "failed";
    }
  }

  // An entry that moves to the front between two reads (a notification that grew) comes with both pages.
  #withoutRepeats(items: T[]): T[] {
    return [...new Map(items.map((item) => [this.#keyOf(item), item])).values()];
  }
}

const forgetters: (() => void)[] = [];

/** Keeps the lists of one kind by what they are made of, the last used longest. */
export function listsBy<Key extends string[], L>(make: (...parts: Key) => L): (...parts: Key) => L {
  const lists = new Map<string, L>();
  forgetters.push(() => lists.clear());
  return (...parts) => {
    const key = parts.join(" ");
    const list = lists.get(key) ?? make(...parts);
    lists.delete(key);
    lists.set(key, list);
    const [oldest] = lists.keys();
    if (lists.size > LISTS_MAX && oldest !== undefined) lists.delete(oldest);
    return list;
  };
}

/** After a write that changes what lists hold, or when somebody else signs in. */
export function forgetLists(): void {
  for (const forget of forgetters) forget();
}
