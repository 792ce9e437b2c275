/** Makes tokens as workers/storage/issued-tokens.ts does, for programs that write straight into a local deployment. */
import { createHmac } from "node:crypto";

/** Creates the key if it does not exist, as the product does. Its parameter is 32 random bytes in base64. */
export const CREATE_TOKEN_KEY = "INSERT INTO secrets (name, value) VALUES ('tokens', ?) ON CONFLICT DO NOTHING";
export const TOKEN_KEY = "SELECT value FROM secrets WHERE name = 'tokens'";

/** Returns `text` with its MAC. `key` is in base64. */
export function issueWith(key: string, purpose: "session" | "consistency", text: string): string {
  const mac = createHmac("sha256", Buffer.from(key, "base64")).update(`${purpose} ${text}`).digest();
  return `${text}.${mac.subarray(0, 16).toString("base64url")}`;
}
