/** Stands between those who call relays and the relays. */
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { PostWindow } from "../../durable-objects/post-window.ts";
import type { RelayName } from "../../schema/live-relays.ts";

type Changed = (window: PostWindow) => Promise<boolean>;

/** Makes each call of a post's actor to a relay go as `call` wants; it may pass the call on, or not, or twice. */
export function betweenActorAndRelays(call: (pass: Changed, window: PostWindow, relay: RelayName) => Promise<boolean>) {
  const getByName = env.LIVE_RELAYS.getByName.bind(env.LIVE_RELAYS);
  return vi.spyOn(env.LIVE_RELAYS, "getByName").mockImplementation((name, options) => {
    const stub = getByName(name, options);
    const changed: Changed = (window) => call(async (passed) => stub.changed(passed), window, name as RelayName);
    const methods = stub as unknown as Record<PropertyKey, (...args: unknown[]) => unknown>;
    return new Proxy(stub, {
      // A stub makes a call of whatever is asked for, so its methods can be called on it, but not bound to it.
      get: (_, key) => (key === "changed" ? changed : (...args: unknown[]) => methods[key]?.(...args)),
    });
  });
}
