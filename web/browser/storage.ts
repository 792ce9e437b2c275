/** localStorage, which may be blocked or full: everything stored here is a convenience. */

type Key = "theme" | "consistency-token" | "signed-in";

/** A stored value; undefined if there is none or storage is blocked. */
export function stored(key: Key): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Stores a value; undefined removes it. */
export function store(key: Key, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Everything stored can be done without.
  }
}
