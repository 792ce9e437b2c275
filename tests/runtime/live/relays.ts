/** Relays for tests, and ways to intercept and evict them. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { LiveRelay } from "../../../durable-objects/live/live-relay.ts";
import type { PostActor } from "../../../durable-objects/post/post-actor.ts";
import type { PostWindow } from "../../../durable-objects/post/post-window.ts";
import { type RelayName, relayNamed, relayOfNetwork } from "../../../schema/live/live-relays.ts";
import { connect } from "./live.ts";

type Changed = (window: PostWindow) => Promise<boolean>;

/** Routes each call of a post's actor to a relay through `call`, which may pass it on once, twice or not at all. */
export function interceptRelayCalls(call: (pass: Changed, window: PostWindow, relay: RelayName) => Promise<boolean>) {
  const getByName = env.LIVE_RELAYS.getByName.bind(env.LIVE_RELAYS);
  return vi.spyOn(env.LIVE_RELAYS, "getByName").mockImplementation((name, options) => {
    const stub = getByName(name, options);
    const changed: Changed = (window) => call(async (passed) => stub.changed(passed), window, name as RelayName);
    const methods = stub as unknown as Record<PropertyKey, (...args: unknown[]) => unknown>;
    return new Proxy(stub, {
      // Any property of a stub is an RPC method, even `bind`, so its methods can be called on it but not bound to it.
      get: (_, key) => (key === "changed" ? changed : (...args: unknown[]) => methods[key]?.(...args)),
    });
  });
}

/** Returns a network whose sockets are all held by one relay, and functions to open a socket and to evict the relay. */
export function networkAtOneRelay() {
  const network = `10.0.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}`;
  const relay = relayNamed(env, relayOfNetwork("weur", network));
  const open = () => connect({ headers: { "cf-connecting-ip": network } });
  return { network, open, evict: () => evict(relay) };
}

/** Evicts an object from memory and lets its sockets hibernate. Does nothing if it is not in memory. */
export async function evict(object: DurableObjectStub<LiveRelay | PostActor>): Promise<void> {
  try {
    await evictDurableObject(object, { webSockets: "hibernate" });
  } catch (error) {
    expect(String(error)).toContain("not currently running");
  }
}

/** Counts the relays that the post's actor sends frames to. */
export const relaysOf = (actor: DurableObjectStub<PostActor>): Promise<number> =>
  runInDurableObject(actor, (_, { storage }) =>
    Number(storage.sql.exec("SELECT count(*) AS relays FROM relays").one()["relays"]),
  );
