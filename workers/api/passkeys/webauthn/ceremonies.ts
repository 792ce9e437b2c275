/**
 * Verifies what browsers send at the end of the two ceremonies of WebAuthn, as a relying party has to:
 * https://www.w3.org/TR/webauthn-3/#sctn-rp-operations. It knows no HTTP and no store. It is written here, because the
 * usual library brings the certificates and formats of all attestations along, and none is asked for
 * (docs/decisions/0039-passkeys.md); the tests compare it with that library.
 */
import type { NewPasskey, PasskeySignIn } from "../../../../schema/api/passkeys.ts";
import { type AuthenticatorData, readAuthenticatorData } from "./authenticator-data.ts";
import { decodeAt, importPublicKey, joined, verifySignature } from "./public-keys.ts";

/** `id`: the RP ID, which passkeys are bound to. `origins`: where a browser or an app may have used one. */
export type RelyingParty = { id: string; origins: readonly string[] };

/** Why a response cannot be accepted, in words for developers. */
export class NotAccepted extends Error {}

export type Ceremony = "webauthn.create" | "webauthn.get";

const BASE64URL = { alphabet: "base64url" } as const;
const bytesOf = (text: string): Uint8Array => orNotAccepted(() => Uint8Array.fromBase64(text, BASE64URL), "base64url");
const hashOf = async (data: Uint8Array) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));

/**
 * Returns the challenge, in base64url, that a browser says to have answered. Throws NotAccepted if the browser did
 * something else than `ceremony`, or for another site.
 */
export function challengeIn(clientDataJSON: string, ceremony: Ceremony, { origins }: RelyingParty): string {
  const text = new TextDecoder().decode(bytesOf(clientDataJSON));
  const data = orNotAccepted(() => JSON.parse(text) as unknown, "`clientDataJSON`");
  if (typeof data !== "object" || data === null) throw new NotAccepted("`clientDataJSON` is malformed");
  const { type, challenge, origin, crossOrigin, topOrigin } = data as Record<string, unknown>;
  if (type !== ceremony) throw new NotAccepted(`\`type\` must be ${ceremony}`);
  if (typeof origin !== "string" || !origins.includes(origin)) throw new NotAccepted("`origin` is another site's");
  // Pages of ours are in no frame of another site.
  if (crossOrigin === true || topOrigin !== undefined) throw new NotAccepted("`crossOrigin` must be false");
  if (typeof challenge !== "string") throw new NotAccepted("`challenge` is missing");
  return challenge;
}

/** What is stored of a new passkey. `publicKey`: the COSE key, in base64url. */
export type Created = { publicKey: string; counter: number };

/**
 * Reads a new credential. The statement about the authenticator is not looked at, because none was asked for. Throws
 * NotAccepted.
 */
export async function readCreated({ id, response }: NewPasskey["credential"], party: RelyingParty): Promise<Created> {
  const attestation = bytesOf(response.attestationObject);
  const [object] = orNotAccepted(() => decodeAt(attestation, 0), "`attestationObject`");
  const data = object instanceof Map ? object.get("authData") : undefined;
  if (!(data instanceof Uint8Array)) throw new NotAccepted("`attestationObject` is malformed");
  const { credential, counter } = await readFor(party, data);
  if (!credential || encoded(credential.id) !== id) throw new NotAccepted("`id` is not that of the credential");
  try {
    await importPublicKey(credential.publicKey);
  } catch {
    throw new NotAccepted("The public key is malformed or of another algorithm");
  }
  return { publicKey: encoded(credential.publicKey), counter };
}

/** What proves a sign-in: the counter of the authenticator, the signature, and what it covers. */
export type Assertion = { counter: number; signature: Uint8Array; signed: Uint8Array };

/** Reads a sign-in without verifying its signature. Throws NotAccepted. */
export async function readAssertion(
  { clientDataJSON, authenticatorData, signature }: PasskeySignIn["response"],
  party: RelyingParty,
): Promise<Assertion> {
  const data = bytesOf(authenticatorData);
  const [{ counter }, hash] = await Promise.all([readFor(party, data), hashOf(bytesOf(clientDataJSON))]);
  return { counter, signature: bytesOf(signature), signed: joined([data, hash]) };
}

/** Verifies the signature with a stored key. Without one, it takes as long, and the answer is no. */
export async function isSigned({ signature, signed }: Assertion, publicKey: string | undefined): Promise<boolean> {
  const key = await importPublicKey(bytesOf(publicKey ?? NOBODYS_KEY));
  return (await verifySignature(key, signature, signed)) && publicKey !== undefined;
}

/** A point of P-256, the generator: a key like others, and nobody needs its other half. */
const NOBODYS_KEY =
  "pQECAyYgASFYIGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWIlggT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";

/** Whether a counter says that another copy of the passkey has signed since. Authenticators that do not count send 0. */
export const isCopied = (counter: number, stored: number): boolean => (counter > 0 || stored > 0) && counter <= stored;

async function readFor({ id }: RelyingParty, bytes: Uint8Array): Promise<AuthenticatorData> {
  const data = orNotAccepted(() => readAuthenticatorData(bytes), "`authenticatorData`");
  if (encoded(data.rpIdHash) !== encoded(await hashOf(new TextEncoder().encode(id)))) {
    throw new NotAccepted("The RP ID is another site's");
  }
  if (!data.isPresent || !data.isVerified) throw new NotAccepted("The authenticator has not verified the person");
  return data;
}

function orNotAccepted<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch {
    throw new NotAccepted(`${what} is malformed`);
  }
}

const encoded = (bytes: Uint8Array): string => bytes.toBase64({ ...BASE64URL, omitPadding: true });
