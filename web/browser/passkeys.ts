/**
 * Passkeys in this browser (WebAuthn). The browser itself reads and writes the API's JSON; where it cannot, which is before
 * Chrome 129, Firefox 119 and Safari 18.4, passkeys count as not supported.
 */
import type {
  NewPasskey,
  PasskeyCreationOptions,
  PasskeyRequestOptions,
  PasskeySignIn,
} from "../../schema/api/passkeys.ts";

/** Whether this browser can make and use passkeys. */
export const hasPasskeys = (): boolean =>
  typeof PublicKeyCredential === "function" &&
  "parseCreationOptionsFromJSON" in PublicKeyCredential &&
  "parseRequestOptionsFromJSON" in PublicKeyCredential;

/** Whether this browser offers passkeys among the suggestions of a form's field. */
export const suggestsPasskeys = async (): Promise<boolean> =>
  hasPasskeys() && (await PublicKeyCredential.isConditionalMediationAvailable());

/** Why the browser has given no passkey. `cancelled`: the person did not want to, or there was none, which browsers hide. */
export type Reason = "cancelled" | "known" | "unsuitable" | "wrong address" | "failed";

export class NoPasskey extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason);
    this.reason = reason;
  }
}

/** Lets the person make a passkey. Throws NoPasskey. */
export async function makePasskey(options: PasskeyCreationOptions): Promise<NewPasskey["credential"]> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return asJson(await orNoPasskey(navigator.credentials.create({ publicKey }))) as NewPasskey["credential"];
}

/**
 * Lets the person choose a passkey: in a dialog at once or, if `suggest`, whenever they choose one among the suggestions of
 * a field. Throws NoPasskey; `signal` cancels.
 */
export async function choosePasskey(
  options: PasskeyRequestOptions,
  { suggest = false, signal }: { suggest?: boolean; signal?: AbortSignal } = {},
): Promise<PasskeySignIn> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const asked = navigator.credentials.get({
    publicKey,
    ...(suggest && { mediation: "conditional" as const }),
    ...(signal && { signal }),
  });
  return asJson(await orNoPasskey(asked)) as PasskeySignIn;
}

function asJson(credential: Credential): unknown {
  if (!(credential instanceof PublicKeyCredential)) throw new NoPasskey("failed");
  return credential.toJSON();
}

async function orNoPasskey(asked: Promise<Credential | null>): Promise<Credential> {
  try {
    const credential = await asked;
    if (credential) return credential;
  } catch (error) {
    throw new NoPasskey(REASONS[error instanceof DOMException ? error.name : ""] ?? "failed");
  }
  throw new NoPasskey("cancelled");
}

const REASONS: Record<string, Reason> = {
  NotAllowedError: "cancelled",
  AbortError: "cancelled",
  InvalidStateError: "known",
  ConstraintError: "unsuitable",
  NotSupportedError: "unsuitable",
  SecurityError: "wrong address",
};
