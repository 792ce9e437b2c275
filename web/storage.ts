/** localStorage, which may be blocked or full: everything stored here is a convenience. */

type Key = "theme" | "consistency-token" | "signed-in";

export function kept(key: Key): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

export function keep(key: Key, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Everything stored can be done without.
  }
}
