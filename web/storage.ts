/** localStorage that may be forbidden or full: what is kept here is a convenience, never needed. */

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
    // Nothing is lost that the next visit cannot do without.
  }
}
