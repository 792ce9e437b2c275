import { buildClient } from "../../../scripts/local-server/client-build.ts";

/** Builds the web client once, before product tests start servers side by side: two builds at once would collide. */
export default async function setup(): Promise<void> {
  await buildClient();
}
