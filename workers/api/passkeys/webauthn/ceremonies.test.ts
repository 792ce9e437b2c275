import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";
import { describe, expect, it } from "vitest";
import type { PasskeyCreationOptions, PasskeyRequestOptions } from "../../../../schema/api/passkeys.ts";
import {
  type Algorithm,
  Authenticator,
  type Changes,
  decode,
  encode,
  FLAGS,
} from "../../../../tests/runtime/passkeys/authenticator.ts";
import { challengeIn, isCopied, isSigned, NotAccepted, readAssertion, readCreated } from "./ceremonies.ts";

const party = { id: "photos.example", origins: ["https://photos.example", "https://www.photos.example"] };
const [origin = ""] = party.origins;
const challenge = encode(new TextEncoder().encode("a challenge of the server"));
const creation = { rp: { id: party.id }, user: { id: "MDFtMw" }, challenge } as PasskeyCreationOptions;
const request = { challenge, rpId: party.id } as PasskeyRequestOptions;
const expected = { expectedChallenge: challenge, expectedOrigin: [...party.origins], expectedRPID: party.id };

async function created(passkey: Authenticator, changes: Changes = {}): Promise<[ours: boolean, library: boolean]> {
  const credential = await passkey.create(creation, origin, changes);
  const own = await ours(async () => {
    const answered = challengeIn(credential.response.clientDataJSON, "webauthn.create", party);
    await readCreated(credential, party);
    return answered === challenge;
  });
  const response = { ...credential, rawId: credential.id, clientExtensionResults: {} };
  return [own, await theirs(() => verifyRegistrationResponse({ response, ...expected }))];
}

async function signedIn(
  passkey: Authenticator,
  changes: Changes = {},
  publicKey?: Uint8Array,
): Promise<[ours: boolean, library: boolean]> {
  const sent = await passkey.get(request, origin, changes);
  const stored = publicKey ?? (await passkey.publicKey());
  const own = await ours(async () => {
    const answered = challengeIn(sent.response.clientDataJSON, "webauthn.get", party);
    const assertion = await readAssertion(sent.response, party);
    return (await isSigned(assertion, encode(stored))) && answered === challenge && !isCopied(assertion.counter, 3);
  });
  const response = { ...sent, rawId: sent.id, clientExtensionResults: {} };
  const credential = { id: sent.id, publicKey: new Uint8Array(stored), counter: 3 };
  return [own, await theirs(() => verifyAuthenticationResponse({ response, ...expected, credential }))];
}

/** Anything else that is thrown fails the test, because it would be a failure of the server. */
async function ours(verify: () => Promise<boolean>): Promise<boolean> {
  try {
    return await verify();
  } catch (error) {
    if (error instanceof NotAccepted) return false;
    throw error;
  }
}

async function theirs(verify: () => Promise<{ verified: boolean }>): Promise<boolean> {
  try {
    return (await verify()).verified;
  } catch {
    return false;
  }
}

const changedAt = (bytes: Uint8Array, at: number) => bytes.with(at, (bytes[at] ?? 0) ^ 1);

const UP_UV = FLAGS.present | FLAGS.verified;

describe.each<Algorithm>(["ES256", "EdDSA", "RS256"])("with %s", (algorithm) => {
  it("accepts what the library accepts", async () => {
    const passkey = await Authenticator.make(algorithm);
    expect(await created(passkey)).toEqual([true, true]);
    for (const counter of [4, 5, 0xffff_ffff]) expect(await signedIn(passkey, { counter })).toEqual([true, true]);
    expect(await signedIn(passkey, { counter: 4, origin: party.origins[1] ?? "" })).toEqual([true, true]);
    const backedUp = UP_UV | FLAGS.mayBeBackedUp | FLAGS.isBackedUp;
    expect(await signedIn(passkey, { counter: 4, flags: backedUp })).toEqual([true, true]);
  });

  it("rejects a signature of another key, and every change of a byte", async () => {
    const [passkey, other] = [await Authenticator.make(algorithm), await Authenticator.make(algorithm)];
    await created(passkey);
    expect(await signedIn(passkey, { counter: 4 }, await other.publicKey())).toEqual([false, false]);
    const { length } = decode((await passkey.get(request, origin)).response.signature);
    for (let at = 0; at < length; at += algorithm === "RS256" ? 37 : 1) {
      const changed = {
        counter: 4,
        signature: (bytes: Uint8Array) => changedAt(bytes, Math.min(at, bytes.length - 1)),
      };
      expect((await signedIn(passkey, changed))[0], `byte ${at}`).toBe(false);
    }
    for (const cut of [0, 1, 8, -1]) {
      expect((await signedIn(passkey, { counter: 4, signature: (bytes) => bytes.slice(0, cut) }))[0]).toBe(false);
    }
  });
});

it.each<[what: string, Changes]>([
  ["another origin", { origin: "https://photos.example.evil.example" }],
  ["the same host without TLS", { origin: "http://photos.example" }],
  ["another RP ID", { rpId: "example" }],
  ["another challenge", { challenge: encode(new TextEncoder().encode("another challenge")) }],
  ["another ceremony", { type: "payment.get" }],
  ["nobody present", { flags: FLAGS.verified }],
  ["nobody verified", { flags: FLAGS.present }],
  ["a backup of what cannot be backed up", { flags: UP_UV | FLAGS.isBackedUp }],
  ["a frame of another site", { clientData: { crossOrigin: true, topOrigin: "https://evil.example" } }],
  ["more bytes than the flags say", { extra: Uint8Array.of(0xa0) }],
  ["fewer bytes than the flags say", { flags: UP_UV | FLAGS.extensions }],
])("rejects %s, as the library does", async (_, changes) => {
  const passkey = await Authenticator.make();
  await created(passkey);
  expect(await signedIn(passkey, { counter: 4, ...changes })).toEqual([false, false]);
  const { flags } = changes;
  const forCreation = flags === undefined ? changes : { ...changes, flags: flags | FLAGS.credential };
  expect((await created(passkey, forCreation))[0]).toBe(false);
});

it("accepts extensions that nobody has asked for, and a statement about the authenticator unread", async () => {
  const passkey = await Authenticator.make();
  await created(passkey);
  const extensions = { flags: UP_UV | FLAGS.extensions, extra: Uint8Array.of(0xa1, 0x61, 0x78, 0xf5) };
  expect(await signedIn(passkey, { counter: 4, ...extensions })).toEqual([true, true]);
  const attestation = { fmt: "packed", attStmt: new Map([["alg", -7]]) };
  expect((await created(passkey, { attestation }))[0]).toBe(true);
});

it("rejects a counter that stays or goes back, unless the authenticator does not count", async () => {
  const passkey = await Authenticator.make();
  await created(passkey);
  for (const counter of [0, 2, 3]) expect(await signedIn(passkey, { counter })).toEqual([false, false]);
  expect([isCopied(0, 0), isCopied(1, 0), isCopied(0, 1), isCopied(1, 1), isCopied(2, 1)]).toEqual([
    false,
    false,
    true,
    true,
    false,
  ]);
});

it("rejects keys that are malformed, too small or of other algorithms", async () => {
  const passkey = await Authenticator.make();
  const good = await passkey.publicKey();
  const [ed, rsa] = [await Authenticator.make("EdDSA"), await Authenticator.make("RS256")];
  for (const publicKey of [
    new Uint8Array(),
    Uint8Array.of(0xf6),
    good.slice(0, -1),
    good.with(4, 0x27), // EdDSA on a key of ECDSA.
    good.with(6, 0x02), // P-384.
    changedAt(good, good.length - 1), // Not on the curve.
    (await ed.publicKey()).with(6, 0x04), // X25519.
    (await rsa.publicKey()).with(5, 0x02), // RS512's neighbour.
  ]) {
    expect((await created(passkey, { publicKey }))[0], encode(publicKey)).toBe(false);
  }
});

it("rejects anything random without any other failure", async () => {
  const passkey = await Authenticator.make();
  const good = await passkey.create(creation, origin);
  const object = decode(good.response.attestationObject);
  for (let round = 0; round < 300; round += 1) {
    const at = Math.floor(Math.random() * object.length);
    const cut = round % 3 === 0 ? object.slice(0, at) : object.with(at, Math.floor(Math.random() * 256));
    const changed = { ...good, response: { ...good.response, attestationObject: encode(cut) } };
    try {
      await readCreated(changed, party);
    } catch (error) {
      expect(error).toBeInstanceOf(NotAccepted);
    }
  }
  const deep = encode(new Uint8Array(24_000).fill(0x81));
  const nested = { ...good, response: { ...good.response, attestationObject: deep } };
  await expect(readCreated(nested, party)).rejects.toBeInstanceOf(NotAccepted);
  for (const text of ["bnVsbA", "W10", "MQ", "", "e30", "!"]) {
    expect(() => challengeIn(text, "webauthn.get", party)).toThrow(NotAccepted);
  }
});
