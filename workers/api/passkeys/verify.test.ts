import { expect, it } from "vitest";
import type { PasskeyCreationOptions, PasskeyRequestOptions } from "../../../schema/api/passkeys.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import {
  type Algorithm,
  Authenticator,
  type Changes,
  decode,
  encode,
  FLAGS,
} from "../../../tests/runtime/passkeys/authenticator.ts";
import { checkSignIn, isCopied, isSigned, verifyCreated } from "./verify.ts";

const party = { id: "photos.example", origins: ["https://photos.example", "https://www.photos.example"] };
const [origin = ""] = party.origins;
const challenge = encode(new TextEncoder().encode("a challenge of the server"));
const creation = { rp: { id: party.id }, user: { id: "MDFtMw" }, challenge } as PasskeyCreationOptions;
const request = { challenge, rpId: party.id } as PasskeyRequestOptions;

const check = (answered: string): Promise<void> => {
  if (answered !== challenge) throw new Refusal("passkey_challenge_over");
  return Promise.resolve();
};

/** Returns "accepted", or the code of the refusal. Any other failure fails the test. */
async function outcome(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
    return "accepted";
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

const created = (passkey: Authenticator, changes: Changes = {}) =>
  outcome(async () => verifyCreated(await passkey.create(creation, origin, changes), party, check));

async function signedIn(passkey: Authenticator, changes: Changes = {}, key?: Uint8Array): Promise<string> {
  const sent = await passkey.get(request, origin, changes);
  const state = { isRight: false };
  const result = await outcome(async () => {
    await checkSignIn(sent, party, check);
    state.isRight = await isSigned(sent, encode(key ?? (await passkey.publicKey())), party);
  });
  return result === "accepted" && !state.isRight ? "wrong signature" : result;
}

const changedAt = (bytes: Uint8Array, at: number) => bytes.with(at, (bytes[at] ?? 0) ^ 1);

it.each<Algorithm>(["ES256", "EdDSA", "RS256"])("accepts keys of %s, and no other signature", async (algorithm) => {
  const [passkey, other] = [await Authenticator.make(algorithm), await Authenticator.make(algorithm)];
  expect(await created(passkey)).toBe("accepted");
  expect(await signedIn(passkey)).toBe("accepted");
  expect(await signedIn(passkey, { origin: party.origins[1] ?? "" })).toBe("accepted");
  expect(await signedIn(passkey, {}, await other.publicKey())).toBe("wrong signature");
  const { length } = decode((await passkey.get(request, origin)).response.signature);
  for (let at = 0; at < length; at += algorithm === "RS256" ? 37 : 5) {
    const signature = (bytes: Uint8Array) => changedAt(bytes, Math.min(at, bytes.length - 1));
    expect(await signedIn(passkey, { signature }), `byte ${at}`).toBe("wrong signature");
  }
  for (const cut of [1, 8, -1]) {
    const signature = (bytes: Uint8Array) => bytes.slice(0, cut);
    expect(await signedIn(passkey, { signature }), `cut at ${cut}`).toBe("wrong signature");
  }
});

it("says the same of an unknown passkey as of a wrong signature, whatever its kind", async () => {
  for (const algorithm of ["ES256", "EdDSA", "RS256"] as const) {
    const passkey = await Authenticator.make(algorithm);
    await created(passkey);
    const sent = await passkey.get(request, origin);
    await checkSignIn(sent, party, check);
    expect(await isSigned(sent, undefined, party)).toBe(false);
  }
});

const UP_UV = FLAGS.present | FLAGS.verified;

it.each<[what: string, Changes, code: string]>([
  ["another origin", { origin: "https://photos.example.evil.example" }, "passkey_not_accepted"],
  ["the same host without TLS", { origin: "http://photos.example" }, "passkey_not_accepted"],
  ["another RP ID", { rpId: "example" }, "passkey_not_accepted"],
  ["another challenge", { challenge: encode(Uint8Array.of(1)) }, "passkey_challenge_over"],
  ["another ceremony", { type: "payment.get" }, "passkey_not_accepted"],
  ["nobody present", { flags: FLAGS.verified }, "passkey_not_accepted"],
  ["nobody verified", { flags: FLAGS.present }, "passkey_not_accepted"],
  ["a backup of what cannot be backed up", { flags: UP_UV | FLAGS.isBackedUp }, "passkey_not_accepted"],
  ["more bytes than the flags say", { extra: Uint8Array.of(0xa0) }, "passkey_not_accepted"],
])("refuses %s", async (_, changes, code) => {
  const passkey = await Authenticator.make();
  await created(passkey);
  expect(await signedIn(passkey, changes)).toBe(code);
  const { flags } = changes;
  const forCreation = flags === undefined ? changes : { ...changes, flags: flags | FLAGS.credential };
  expect(await created(passkey, forCreation)).toBe(code);
});

it("refuses a frame of another site", async () => {
  const passkey = await Authenticator.make();
  await created(passkey);
  const clientData = { crossOrigin: true, topOrigin: "https://evil.example" };
  expect(await signedIn(passkey, { clientData })).toBe("passkey_not_accepted");
  expect(await signedIn(passkey)).toBe("accepted");
});

it("reads no certificates, because none were asked for", async () => {
  for (const [fmt, attStmt] of [
    [
      "packed",
      [
        ["alg", -7],
        ["sig", new Uint8Array(8)],
        ["x5c", [new Uint8Array(8)]],
      ],
    ],
    ["tpm", [["ver", "2.0"]]],
    ["android-safetynet", [["ver", "1"]]],
    ["unheard-of", []],
  ] as const) {
    const attestation = { fmt, attStmt: new Map<string, unknown>(attStmt.map(([name, value]) => [name, value])) };
    expect(await created(await Authenticator.make(), { attestation }), fmt).toBe("passkey_not_accepted");
  }
});

it("refuses keys that are malformed or of other algorithms", async () => {
  const passkey = await Authenticator.make();
  const good = await passkey.publicKey();
  for (const publicKey of [new Uint8Array(), Uint8Array.of(0xf6), good.with(4, 0x38)]) {
    expect(await created(passkey, { publicKey }), encode(publicKey)).toBe("passkey_not_accepted");
  }
});

it("refuses anything random without any other failure", async () => {
  const passkey = await Authenticator.make();
  const good = await passkey.create(creation, origin);
  const object = decode(good.response.attestationObject);
  for (let round = 0; round < 300; round += 1) {
    const at = Math.floor(Math.random() * object.length);
    const cut = round % 3 === 0 ? object.slice(0, at) : object.with(at, Math.floor(Math.random() * 256));
    const changed = { ...good, response: { ...good.response, attestationObject: encode(cut) } };
    await outcome(() => verifyCreated(changed, party, check));
  }
  const deep = encode(new Uint8Array(24_000).fill(0x81));
  const nested = { ...good, response: { ...good.response, attestationObject: deep } };
  expect(await outcome(() => verifyCreated(nested, party, check))).toBe("passkey_not_accepted");
  for (const clientDataJSON of ["bnVsbA", "W10", "MQ", "e30", "A"]) {
    const changed = { ...good, response: { ...good.response, clientDataJSON } };
    expect(await outcome(() => verifyCreated(changed, party, check)), clientDataJSON).toMatch(/^passkey_/);
  }
});

it("takes a counter that stays or goes back for a copy, unless the authenticator does not count", () => {
  expect([isCopied(0, 0), isCopied(1, 0), isCopied(2, 1)]).toEqual([false, false, false]);
  expect([isCopied(0, 1), isCopied(1, 1)]).toEqual([true, true]);
});
