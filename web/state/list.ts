import { computed, signal } from "@preact/signals";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { isGone } from "./gone.ts";

type Page<T> = { items: T[]; next?: string | undefined };
type Load<T> = (cursor?: string) => Promise<Page<T>>;

/** How long a list is shown again without checking for new entries. */
const FRESH_MS = 20_000;
/** How many lists of one kind are cached for going back. */
const LISTS_MAX = 20;
/** A page that opens this soon after `popstate` was reached with the back or forward button. */
const TRAVERSAL_MS = 500;

let traversedAt = -Infinity;
addEventListener("popstate", () => {
  traversedAt = performance.now();
});

/** A list that is read page by page, and is cached while the viewer looks at one of its entries. */
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

  /** Whether anything has been read yet. */
  get started(): boolean {
    return this.#readAt > -Infinity;
  }

  /** Called when the list comes into view. Going back never refreshes, so that the scroll position is kept. */
  open(): void {
    const now = performance.now();
    if (!this.started) void this.more();
    else if (now - this.#readAt > this.#freshMs && now - traversedAt > TRAVERSAL_MS) void this.refresh();
  }

  /** Reads the next page; after a failure, the same one again. */
  async more(): Promise<void> {
    if (this.state.value === "loading" || this.state.value === "whole") return;
    await this.#read(this.#next);
  }

  /** Reads the first page again. The old entries stay until the response arrives. */
  async refresh(): Promise<void> {
    if (this.state.value !== "loading") await this.#read(undefined);
  }

  /** Removes one entry from this list alone. */
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

  // An entry that moves to the front between two reads (a notification that grew) is on both pages.
  #withoutRepeats(items: T[]): T[] {
    return [...new Map(items.map((item) => [this.#keyOf(item), item])).values()];
  }
}

const forgetters: (() => void)[] = [];

/** Memoizes `make` by its arguments, for LISTS_MAX lists: the least recently used is dropped. */
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

/** Clears all cached lists: after a write that changes their entries, or when somebody else signs in. */
export function forgetLists(): void {
  for (const forget of forgetters) forget();
}
