/** What an authenticator signs: https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data */
import { decodeAt } from "./public-keys.ts";

const RP_ID_HASH_BYTES = 32;
const FLAGS_AT = 32;
const COUNTER_AT = 33;
const CREDENTIAL_AT = 37;
const AAGUID_BYTES = 16;
/** The most that the id of a credential may have. */
const ID_MAX_BYTES = 1023;

const FLAG = {
  present: 0x01,
  verified: 0x04,
  mayBeBackedUp: 0x08,
  isBackedUp: 0x10,
  credential: 0x40,
  extensions: 0x80,
};

/** `publicKey`: a COSE key, not checked yet. */
export type NewCredential = { id: Uint8Array; publicKey: Uint8Array };

/**
 * `counter`: how often the authenticator has signed; 0 if it does not count. `credential`: what was created; absent when
 * signing in.
 */
export type AuthenticatorData = {
  rpIdHash: Uint8Array;
  isPresent: boolean;
  isVerified: boolean;
  counter: number;
  credential?: NewCredential;
};

/** Reads authenticator data. Throws if it is malformed, or has more than its flags say. */
export function readAuthenticatorData(bytes: Uint8Array): AuthenticatorData {
  if (bytes.length < CREDENTIAL_AT) throw new Error("authenticator data is too short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(FLAGS_AT);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (has(FLAG.isBackedUp) && !has(FLAG.mayBeBackedUp)) throw new Error("the flags of backups contradict each other");
  const [credential, afterCredential] = has(FLAG.credential) ? credentialIn(bytes, view) : [undefined, CREDENTIAL_AT];
  // Nothing was asked for, so the extensions are only skipped.
  const end = has(FLAG.extensions) ? decodeAt(bytes, afterCredential)[1] : afterCredential;
  if (end !== bytes.length) throw new Error("authenticator data is too long");
  return {
    rpIdHash: bytes.subarray(0, RP_ID_HASH_BYTES),
    isPresent: has(FLAG.present),
    isVerified: has(FLAG.verified),
    counter: view.getUint32(COUNTER_AT),
    ...(credential && { credential }),
  };
}

function credentialIn(bytes: Uint8Array, view: DataView): [NewCredential, end: number] {
  const lengthAt = CREDENTIAL_AT + AAGUID_BYTES;
  if (bytes.length < lengthAt + 2) throw new Error("the credential is cut off");
  const [idAt, length] = [lengthAt + 2, view.getUint16(lengthAt)];
  const keyAt = idAt + length;
  if (length === 0 || length > ID_MAX_BYTES || keyAt > bytes.length) throw new Error("not the id of a credential");
  const [, end] = decodeAt(bytes, keyAt);
  return [{ id: bytes.slice(idAt, keyAt), publicKey: bytes.slice(keyAt, end) }, end];
}
