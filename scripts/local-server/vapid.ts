/** The key that identifies a deployment to push services (RFC 8292). */
import { generateKeyPairSync } from "node:crypto";
import { StartError } from "../process/start-error.ts";

/** Generates a private P-256 key, as the JWK that VAPID_PRIVATE_KEY holds. */
export function newVapidKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y, d } = privateKey.export({ format: "jwk" });
  return JSON.stringify({ kty, crv, x, y, d });
}

/** Prints a new key and how to set it up. The key is stored nowhere else. */
export function showVapid(subject: string | undefined): number {
  if (subject === undefined || !/^(?:mailto:.+@.+|https:\/\/.+)$/.test(subject)) {
    throw new StartError("Add your contact address for push services: --subject mailto:you@example.org or https://...");
  }
  console.log(`1. Add this to wrangler.toml, under [vars]:

VAPID_SUBJECT = ${JSON.stringify(subject)}

2. Run npx wrangler secret put VAPID_PRIVATE_KEY, and paste this line:

${newVapidKey()}

3. Run npm run deploy.

The key is not stored anywhere else. Browsers that subscribed with another key subscribe again when they next open
Shutterline.`);
  return 0;
}
