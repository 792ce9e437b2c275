/** Relays for tests, and what stands between them and those who call them. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { LiveRelay } from "../../durable-objects/live/live-relay.ts";
import type { PostActor } from "../../durable-objects/post/post-actor.ts";
import type { PostWindow } from "../../durable-objects/post/post-window.ts";
import { type RelayName, relayNamed, relayOfNetwork } from "../../schema/live/live-relays.ts";
import { connect } from "./live.ts";

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

/** A network whose sockets are all at one relay, which `evict` puts out of memory. */
export function fromOnePlace() {
  const network = `10.0.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}`;
  const relay = relayNamed(env, relayOfNetwork("weur", network));
  const open = () => connect({ headers: { "cf-connecting-ip": network } });
  return { network, open, evict: () => evict(relay) };
}

/** Puts it out of memory, with its sockets as they are; nothing when it is not in memory. */
export async function evict(object: DurableObjectStub<LiveRelay | PostActor>): Promise<void> {
  try {
    await evictDurableObject(object, { webSockets: "hibernate" });
  } catch (error) {
    expect(String(error)).toContain("not currently running");
  }
}

/** How many relays the post's actor tells of it. */
export const relaysOf = (actor: DurableObjectStub<PostActor>): Promise<number> =>
  runInDurableObject(actor, (_, { storage }) =>
    Number(storage.sql.exec("SELECT count(*) AS relays FROM relays").one()["relays"]),
  );
