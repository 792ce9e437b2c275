/** Adding passkeys, and signing in with one. What the browser refuses becomes a problem in plain words. */
import type { Passkey } from "../../schema/api/passkeys.ts";
import { api } from "../api/api.ts";
import { ApiProblem } from "../api/problem.ts";
import { choosePasskey, makePasskey, NoPasskey, type Reason, suggestsPasskeys } from "../browser/passkeys.ts";
import { signInWithPasskey } from "./session.ts";

/** How long one challenge waits among the suggestions of a field, in ms: the API takes it for five minutes. */
const SUGGESTED_FOR = 4 * 60_000;

const WORDS: Record<Exclude<Reason, "cancelled">, string> = {
  known: "This device already has a passkey for your account.",
  unsuitable: "This device can’t make a passkey with a screen lock or a PIN. Try another one.",
  "wrong address": "Passkeys don’t work at this address. Open Shutterline by its usual name.",
  failed: "This browser could not use a passkey. Try again, or use your password.",
};

/** Adds a passkey. Returns undefined if the person has cancelled. */
export async function addPasskey(password: string): Promise<Passkey | undefined> {
  const options = await api.passkeyCreation(password);
  const credential = await unlessCancelled(makePasskey(options));
  return credential && (await api.addPasskey(credential));
}

/** Lets the person choose a passkey, and signs in with it. Does nothing if the person cancels. */
export async function chooseAndSignIn(): Promise<void> {
  const options = await api.passkeyRequest();
  const answer = await unlessCancelled(choosePasskey(options));
  if (answer) await signInWithPasskey(answer);
}

/**
 * Offers passkeys among the suggestions of the field that allows them, until `signal`, and signs in with the one that is
 * chosen. Does nothing where the browser makes no such suggestions, or the API does not respond.
 */
export async function suggestPasskeys(signal: AbortSignal): Promise<void> {
  if (!(await suggestsPasskeys())) return;
  while (!signal.aborted) {
    const old = AbortSignal.timeout(SUGGESTED_FOR);
    const options = await api.passkeyRequest().catch(() => undefined);
    if (!options) return;
    const asked = choosePasskey(options, { suggest: true, signal: AbortSignal.any([signal, old]) });
    const answer = await asked.catch(() => undefined); // The button says what is wrong.
    if (answer) return signInWithPasskey(answer);
    if (!old.aborted) return;
  }
}

async function unlessCancelled<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof NoPasskey)) throw error;
    if (error.reason === "cancelled") return undefined;
    throw new ApiProblem("no_passkey", WORDS[error.reason]);
  }
}
