/** The operator's token. Only this tab stores it, until it is closed, and it is sent in a header, never in a URL. */
import { signal } from "@preact/signals";

const KEY = "operator-token";

export const token = signal(stored());

export function storeToken(value: string | undefined): void {
  token.value = value;
  try {
    if (value === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, value);
  } catch {
    // Storage is blocked: the next visit asks for the token again.
  }
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
