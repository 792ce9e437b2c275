/**
 * Checks the library's encryption against the vectors of RFC 8291 and others, and against an independent
 * implementation.
 */
import { encryptNotification } from "@block65/webcrypto-web-push";
import { afterEach, describe, expect, it, vi } from "vitest";
import { PushedBrowser } from "../../../tests/runtime/push/browser.ts";
import { file, HAS_CORPUS } from "../../../tests/runtime/media/corpus.ts";

afterEach(() => vi.restoreAllMocks());

const ENDPOINT = "https://push.example/1";

type Example = {
  senderPrivateKey: string;
  senderPublicKey: string;
  receiverPublicKey: string;
  authSecret: string;
  salt: string;
  plaintext: string;
  body: string;
};
type Received = { name: string; receiverPrivateKey: string; authSecret: string; body: string };
type Vectors = { decrypt: (Received & { plaintext: string })[]; reject: Received[] };

const bytes = (base64url: string) => Uint8Array.fromBase64(base64url, { alphabet: "base64url" });
const json = async <T>(path: string): Promise<T> => JSON.parse(new TextDecoder().decode(await file(path))) as T;

describe.skipIf(!HAS_CORPUS)("vectors", () => {
  it("encrypts the example of RFC 8291 to the same bytes, given its sender key and salt", async () => {
    const vector = await json<Example>("push/rfc8291-appendix-a.json");
    await fixRandomness(vector);
    const { receiverPublicKey: p256dh, authSecret: auth } = vector;
    const subscription = { endpoint: ENDPOINT, expirationTime: null, keys: { p256dh, auth } };
    const body = await encryptNotification(subscription, new TextEncoder().encode(vector.plaintext), { pad: false });
    expect(body).toEqual(bytes(vector.body));
  });

  it("checks the test browser: it decrypts every valid vector and rejects every forged one", async () => {
    const { webpush } = await json<{ webpush: Vectors }>("push/vectors.json");
    const texts = webpush.decrypt.map((vector) => new PushedBrowser(ENDPOINT, vector).decrypt(bytes(vector.body)));
    expect(texts).toEqual(webpush.decrypt.map(({ plaintext }) => plaintext));
    expect(texts).toHaveLength(4);
    for (const forged of webpush.reject) {
      const browser = new PushedBrowser(ENDPOINT, forged);
      expect(() => browser.decrypt(bytes(forged.body)), forged.name).toThrow();
    }
  });
});

it.each(["", "x", "Łódź — 🦀".repeat(50), "y".repeat(3993)])(
  "produces a push that only the subscribed browser can decrypt, text %#",
  async (text) => {
    const browser = new PushedBrowser(ENDPOINT);
    for (const pad of [true, false]) {
      const body = await encryptNotification(
        { ...browser.subscription, expirationTime: null },
        new TextEncoder().encode(text),
        { pad },
      );
      expect(body.length).toBe(pad ? 4096 : 103 + new TextEncoder().encode(text).length);
      expect(browser.decrypt(body)).toBe(text);
      expect(() => new PushedBrowser(ENDPOINT).decrypt(body)).toThrow();
    }
  },
);

/** Makes the library use the example's key and salt where it would use random ones. */
async function fixRandomness({ salt, senderPrivateKey, senderPublicKey }: Example) {
  const point = bytes(senderPublicKey);
  const base64url = (part: Uint8Array) => part.toBase64({ alphabet: "base64url", omitPadding: true });
  const jwk = {
    kty: "EC",
    crv: "P-256",
    x: base64url(point.slice(1, 33)),
    y: base64url(point.slice(33)),
    d: senderPrivateKey,
  };
  const algorithm = { name: "ECDH", namedCurve: "P-256" };
  const privateKey = await crypto.subtle.importKey("jwk", jwk, algorithm, true, ["deriveBits"]);
  const publicKey = await crypto.subtle.importKey("raw", point, algorithm, true, []);
  vi.spyOn(crypto.subtle, "generateKey").mockResolvedValue({ privateKey, publicKey });
  vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
    (array as unknown as Uint8Array).set(bytes(salt));
    return array;
  });
}
