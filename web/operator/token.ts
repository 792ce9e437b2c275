/** The operator's token: kept by this tab alone, until it is closed, and sent in a header, never in an address. */
import { signal } from "@preact/signals";

const KEY = "operator-token";

export const token = signal(stored());

export function keepToken(value: string | undefined): void {
  token.value = value;
  try {
    if (value === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, value);
  } catch {
    // Storage is forbidden: it is asked for again with the next visit.
  }
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
