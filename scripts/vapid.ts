/** The key with which a deployment shows push services who it is (RFC 8292). */
import { generateKeyPairSync } from "node:crypto";
import { StartError } from "./start-error.ts";

/** A private key on P-256, as the JWK that VAPID_PRIVATE_KEY holds. */
export function newVapidKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y, d } = privateKey.export({ format: "jwk" });
  return JSON.stringify({ kty, crv, x, y, d });
}

/** Tells the operator how to set a new key up. It is shown once and written nowhere. */
export function showVapid(subject: string | undefined): number {
  if (subject === undefined || !/^(?:mailto:.+@.+|https:\/\/.+)$/.test(subject)) {
    throw new StartError("Say whom push services may write to: --subject mailto:you@example.org, or https://...");
  }
  console.log(`1. In wrangler.toml, under [vars]:

VAPID_SUBJECT = ${JSON.stringify(subject)}

2. npx wrangler secret put VAPID_PRIVATE_KEY, and give it this line:

${newVapidKey()}

3. npm run deploy

Browsers that have subscribed with another key subscribe again when they are next used.`);
  return 0;
}
