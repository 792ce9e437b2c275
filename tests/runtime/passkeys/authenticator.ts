/** An authenticator and the browser around it, in software: what `navigator.credentials` would return, as JSON. */
import { encodeCBOR } from "@levischuck/tiny-cbor";
import type {
  NewPasskey,
  PasskeyCreationOptions,
  PasskeyRequestOptions,
  PasskeySignIn,
} from "../../../schema/api/passkeys.ts";

const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;
export const encode = (bytes: Uint8Array): string => bytes.toBase64(BASE64URL);
export const decode = (text: string): Uint8Array => Uint8Array.fromBase64(text, { alphabet: "base64url" });
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const sha256 = async (bytes: Uint8Array) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

export const FLAGS = {
  present: 0x01,
  verified: 0x04,
  mayBeBackedUp: 0x08,
  isBackedUp: 0x10,
  credential: 0x40,
  extensions: 0x80,
};

/** What a test changes: where the browser is, what it says, and what the authenticator signs. */
export type Changes = {
  origin?: string;
  rpId?: string;
  type?: string;
  challenge?: string;
  clientData?: object;
  flags?: number;
  counter?: number;
  userHandle?: string;
  signature?: (signature: Uint8Array) => Uint8Array;
  /** Follows the authenticator data. */
  extra?: Uint8Array;
  publicKey?: Uint8Array;
  attestation?: object;
};

const ALGORITHMS = {
  ES256: [
    { name: "ECDSA", namedCurve: "P-256" },
    { name: "ECDSA", hash: "SHA-256" },
  ],
  EdDSA: [{ name: "Ed25519" }, { name: "Ed25519" }],
  RS256: [
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
    { name: "RSASSA-PKCS1-v1_5" },
  ],
} as const;
export type Algorithm = keyof typeof ALGORITHMS;

/** One passkey. `counter` is what it sends next; 0 for one that does not count. */
export class Authenticator {
  counter = 0;
  readonly id: string;
  readonly #algorithm: Algorithm;
  readonly #keys: CryptoKeyPair;
  #userHandle = "";
  #rpId = "";

  private constructor(id: string, algorithm: Algorithm, keys: CryptoKeyPair) {
    this.id = id;
    this.#algorithm = algorithm;
    this.#keys = keys;
  }

  static async make(
    algorithm: Algorithm = "ES256",
    id = encode(crypto.getRandomValues(new Uint8Array(32))),
  ): Promise<Authenticator> {
    const keys = await crypto.subtle.generateKey(ALGORITHMS[algorithm][0], true, ["sign", "verify"]);
    return new Authenticator(id, algorithm, keys as CryptoKeyPair);
  }

  /** What `navigator.credentials.create` returns. */
  async create(
    options: PasskeyCreationOptions,
    origin: string,
    changes: Changes = {},
  ): Promise<NewPasskey["credential"]> {
    this.#userHandle = options.user.id;
    this.#rpId = options.rp.id;
    const clientData = utf8(JSON.stringify(clientDataOf("webauthn.create", options.challenge, origin, changes)));
    const id = decode(this.id);
    const credential = [
      new Uint8Array(16),
      Uint8Array.of(id.length >> 8, id.length & 0xff),
      id,
      changes.publicKey ?? (await this.publicKey()),
    ];
    const authData = await this.#dataOf(FLAGS.credential, credential, changes);
    const attestation = changes.attestation ?? { fmt: "none", attStmt: new Map() };
    const object = encodeCBOR(new Map(Object.entries({ ...attestation, authData })));
    return {
      id: this.id,
      type: "public-key",
      response: { clientDataJSON: encode(clientData), attestationObject: encode(object) },
    };
  }

  /** What `navigator.credentials.get` returns. */
  async get(options: PasskeyRequestOptions, origin: string, changes: Changes = {}): Promise<PasskeySignIn> {
    const clientData = utf8(JSON.stringify(clientDataOf("webauthn.get", options.challenge, origin, changes)));
    const data = await this.#dataOf(0, [], changes);
    const signature = await this.#sign(joined([data, await sha256(clientData)]));
    return {
      id: this.id,
      type: "public-key",
      response: {
        clientDataJSON: encode(clientData),
        authenticatorData: encode(data),
        signature: encode(changes.signature?.(signature) ?? signature),
        userHandle: changes.userHandle ?? this.#userHandle,
      },
    };
  }

  /** The COSE key. */
  async publicKey(): Promise<Uint8Array> {
    const jwk = (await crypto.subtle.exportKey("jwk", this.#keys.publicKey)) as JsonWebKey;
    const bytes = (text: string | undefined) => decode(text ?? "");
    const pairs: [number, number | Uint8Array][] =
      this.#algorithm === "ES256"
        ? [
            [1, 2],
            [3, -7],
            [-1, 1],
            [-2, bytes(jwk.x)],
            [-3, bytes(jwk.y)],
          ]
        : this.#algorithm === "EdDSA"
          ? [
              [1, 1],
              [3, -8],
              [-1, 6],
              [-2, bytes(jwk.x)],
            ]
          : [
              [1, 3],
              [3, -257],
              [-1, bytes(jwk.n)],
              [-2, bytes(jwk.e)],
            ];
    return encodeCBOR(new Map(pairs));
  }

  async #dataOf(flags: number, credential: readonly Uint8Array[], changes: Changes): Promise<Uint8Array> {
    const counter = new Uint8Array(4);
    new DataView(counter.buffer).setUint32(0, changes.counter ?? this.counter);
    return joined([
      await sha256(utf8(changes.rpId ?? this.#rpId)),
      Uint8Array.of(changes.flags ?? FLAGS.present | FLAGS.verified | flags),
      counter,
      ...credential,
      changes.extra ?? new Uint8Array(),
    ]);
  }

  async #sign(data: Uint8Array): Promise<Uint8Array> {
    const signed = new Uint8Array(
      await crypto.subtle.sign(ALGORITHMS[this.#algorithm][1], this.#keys.privateKey, data),
    );
    return this.#algorithm === "ES256" ? derOf(signed) : signed;
  }
}

const clientDataOf = (type: string, challenge: string, origin: string, changes: Changes): object => ({
  type: changes.type ?? type,
  challenge: changes.challenge ?? challenge,
  origin: changes.origin ?? origin,
  crossOrigin: false,
  ...changes.clientData,
});

/** Converts a signature of ECDSA from its two numbers to DER. */
function derOf(raw: Uint8Array): Uint8Array {
  const numbers = [raw.subarray(0, 32), raw.subarray(32)].map((number) => {
    const first = number.findIndex((byte) => byte !== 0);
    const digits = number.subarray(first);
    return (digits[0] ?? 0) & 0x80 ? joined([Uint8Array.of(0), digits]) : digits;
  });
  const content = joined(numbers.flatMap((number) => [Uint8Array.of(0x02, number.length), number]));
  return joined([Uint8Array.of(0x30, content.length), content]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
