/** The public keys of credentials (COSE, RFC 9053), and the signatures that they verify. */
import { type CBORType, decodePartialCBOR } from "@levischuck/tiny-cbor";

/** What authenticators may sign with, in the order of preference: ECDSA with P-256, Ed25519, RSA with PKCS #1 v1.5. */
export const [ES256, EDDSA, RS256] = [-7, -8, -257] as const;
export const ALGORITHMS = [ES256, EDDSA, RS256] as const;

/** Labels of a key's map. The last three have a meaning of their own for each type of key. */
const [TYPE, ALGORITHM, CURVE_OR_N, X_OR_E, Y] = [1, 3, -1, -2, -3] as const;
const [P256, ED25519] = [1, 6] as const;
const [OKP, EC2, RSA] = [1, 2, 3] as const;
const COORDINATE_BYTES = 32;
/** Begins a point of which both coordinates follow. */
const UNCOMPRESSED = 4;
/** 2048 to 4096 bits: fewer are weak, and more take too long to verify. */
const [RSA_MIN_BYTES, RSA_MAX_BYTES] = [256, 512] as const;
const EXPONENT_MAX_BYTES = 4;

const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

/** What is verified with: the key, the algorithm's name for WebCrypto, and whether its signatures are in DER. */
export type PublicKey = { key: CryptoKey; algorithm: { name: string; hash?: string }; isDer: boolean };

/** Reads one CBOR item of `bytes` at `from`. Returns it and where it ends. Throws if it is malformed or cut off. */
export function decodeAt(bytes: Uint8Array, from: number): [item: CBORType, end: number] {
  // A copy, because the decoder reads the whole buffer below a view.
  const [item, length] = decodePartialCBOR(new Uint8Array(bytes), from);
  if (from + length > bytes.length) throw new Error("CBOR is cut off");
  return [item, from + length];
}

/** Imports a COSE key. Throws if it is malformed, or none of ALGORITHMS. */
export async function importPublicKey(cose: Uint8Array): Promise<PublicKey> {
  const [map, end] = decodeAt(cose, 0);
  if (!(map instanceof Map) || end !== cose.length) throw new Error("not a COSE key");
  const [type, algorithm] = [map.get(TYPE), map.get(ALGORITHM)];
  if (type === EC2 && algorithm === ES256) return importP256(map);
  if (type === OKP && algorithm === EDDSA) return importEd25519(map);
  if (type === RSA && algorithm === RS256) return importRsa(map);
  throw new Error("none of our algorithms");
}

type CoseKey = Map<string | number, CBORType>;

async function importP256(map: CoseKey): Promise<PublicKey> {
  if (map.get(CURVE_OR_N) !== P256) throw new Error("not the curve of ES256");
  const point = joined([Uint8Array.of(UNCOMPRESSED), coordinateIn(map.get(X_OR_E)), coordinateIn(map.get(Y))]);
  const key = await crypto.subtle.importKey("raw", point, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  return { key, algorithm: { name: "ECDSA", hash: "SHA-256" }, isDer: true };
}

async function importEd25519(map: CoseKey): Promise<PublicKey> {
  if (map.get(CURVE_OR_N) !== ED25519) throw new Error("not the curve of EdDSA");
  const algorithm = { name: "Ed25519" };
  const key = await crypto.subtle.importKey("raw", coordinateIn(map.get(X_OR_E)), algorithm, false, ["verify"]);
  return { key, algorithm, isDer: false };
}

async function importRsa(map: CoseKey): Promise<PublicKey> {
  const [n, e] = [map.get(CURVE_OR_N), map.get(X_OR_E)];
  if (!(n instanceof Uint8Array) || !(e instanceof Uint8Array)) throw new Error("not an RSA key");
  if (n.length < RSA_MIN_BYTES || n.length > RSA_MAX_BYTES || e.length > EXPONENT_MAX_BYTES) {
    throw new Error("not a size of RS256");
  }
  const jwk = { kty: "RSA", n: n.toBase64(BASE64URL), e: e.toBase64(BASE64URL) };
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  return { key, algorithm: { name: algorithm.name }, isDer: false };
}

/** Whether `signature` is one of `data`. A malformed signature is none. */
export async function verifySignature(
  { key, algorithm, isDer }: PublicKey,
  signature: Uint8Array,
  data: Uint8Array,
): Promise<boolean> {
  const raw = isDer ? rawSignature(signature) : signature;
  try {
    return await crypto.subtle.verify(algorithm, key, raw, data);
  } catch {
    return false; // The runtime throws for some lengths.
  }
}

/**
 * Converts a signature of ECDSA from DER, as authenticators send it, to the two numbers that WebCrypto expects. What is not
 * DER becomes zeros, which are no signature and take as long to verify.
 */
function rawSignature(der: Uint8Array): Uint8Array {
  const [SEQUENCE, INTEGER] = [0x30, 0x02];
  const none = new Uint8Array(2 * COORDINATE_BYTES);
  if (der[0] !== SEQUENCE || der[1] !== der.length - 2) return none;
  const raw = new Uint8Array(2 * COORDINATE_BYTES);
  let at = 2;
  for (const end of [COORDINATE_BYTES, 2 * COORDINATE_BYTES]) {
    const length = der[at + 1];
    if (der[at] !== INTEGER || length === undefined || at + 2 + length > der.length) return none;
    // A number is preceded by a zero if it would seem to be negative.
    const number = der.subarray(at + 2 + (der[at + 2] === 0 ? 1 : 0), at + 2 + length);
    if (number.length > COORDINATE_BYTES) return none;
    raw.set(number, end - number.length);
    at += 2 + length;
  }
  return at === der.length ? raw : none;
}

function coordinateIn(value: CBORType): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== COORDINATE_BYTES) throw new Error("not a coordinate");
  return value;
}

/** Joins bytes to one array. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
