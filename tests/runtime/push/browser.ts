/**
 * The browser's side of Web Push, independent of the sender's code: http_ece, by the author of RFC 8188, on
 * node:crypto.
 */
import { createECDH, type ECDH, randomBytes } from "node:crypto";
import { decrypt } from "http_ece";
import type { PushSubscription } from "../../../schema/api/push.ts";

/** A browser that is subscribed at `endpoint`. */
export class PushedBrowser {
  readonly subscription: PushSubscription;
  readonly #key: ECDH = createECDH("prime256v1");
  readonly #auth: Buffer;

  constructor(endpoint: string, keys?: { receiverPrivateKey: string; authSecret: string }) {
    if (keys) this.#key.setPrivateKey(Buffer.from(keys.receiverPrivateKey, "base64url"));
    else this.#key.generateKeys();
    this.#auth = keys ? Buffer.from(keys.authSecret, "base64url") : randomBytes(16);
    const p256dh = this.#key.getPublicKey().toString("base64url");
    this.subscription = { endpoint, expirationTime: null, keys: { p256dh, auth: this.#auth.toString("base64url") } };
  }

  /** Decrypts a push. Throws if it was not encrypted for this browser. */
  decrypt(body: Uint8Array): string {
    const keys = { privateKey: this.#key, authSecret: this.#auth };
    return decrypt(Buffer.from(body), { version: "aes128gcm", ...keys }).toString("utf8");
  }
}
