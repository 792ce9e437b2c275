/**
 * Limits attempts to sign in, before the password is hashed. They are counted by network, and by handle and network, so that
 * nobody can lock a person out from elsewhere. Guessing from many networks at one handle is slowed down too, but only for
 * networks and browsers that have never signed in to it. A right password over a limit is refused like a wrong one, or the
 * response would confirm a guess.
 */
import type { Context } from "hono";
import type { PersonId } from "../../../schema/ids.ts";
import { markOf } from "../../storage/issued-tokens.ts";
import type { App } from "../../http/routes.ts";
import {
  chargeHandle,
  chargeNetwork,
  chargeSubject,
  rememberNetwork,
  requireAllowed,
  requireReadAllowed,
} from "../../limits/charges.ts";
import { networkIn, SHARED_NETWORK } from "../../limits/networks.ts";
import { isKnownDevice, isKnownToSomebody } from "./devices.ts";

type Credentials = { person: { id: PersonId }; password: string };

/**
 * Counts an attempt to sign in and returns what `find` finds: the credentials of the handle. Throws `too_many_attempts` over a
 * limit, if possible before `find` reads anything. Without a handle, as with a passkey, which nobody can guess, only the
 * network is charged. Costs one actor call, or two.
 */
export async function countSignIn<T extends Credentials>(
  c: Context<App>,
  handle: string | undefined,
  find: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const network = networkIn(c.req.raw.headers);
  if (!isKnownToSomebody(c)) {
    await countFrom(c.env, network, handle);
    return find();
  }
  await requireReadAllowed(c.env, undefined, network); // A cookie is easily made up, and whether it is known costs a read.
  const found = await find();
  if (!found || !(await isKnownDevice(c, found.person.id, found.password))) await countFrom(c.env, network, handle);
  else {
    const charged = await chargeSubject(c.env, "sign-in-browser", `browsers ${found.person.id}`);
    requireAllowed(charged, "too_many_attempts");
  }
  return found;
}

async function countFrom(env: Env, network: string, handle: string | undefined): Promise<void> {
  const pair = handle === undefined ? [] : ([{ limit: "sign-in-pair", bucket: handle }] as const);
  requireAllowed(await chargeNetwork(env, network, [{ limit: "sign-in" }, ...pair]), "too_many_attempts");
  if (handle === undefined || network === SHARED_NETWORK) return; // All attempts at the handle come from there, its owner's included.
  // Only then: what is refused above must not use up what other networks may try.
  requireAllowed(await chargeHandle(env, handle, await markOf(env, network)), "too_many_attempts");
}

/** Throws `too_many_attempts` over the limit. Costs one actor call. */
export async function countSignUp(c: Context<App>): Promise<void> {
  const network = networkIn(c.req.raw.headers);
  requireAllowed(await chargeNetwork(c.env, network, [{ limit: "sign-up" }]), "too_many_attempts");
}

/** Counts an attempt of a signed-in person to prove their password. Throws `too_many_attempts`. Costs one actor call. */
export async function countProof(c: Context<App>, person: PersonId): Promise<void> {
  requireAllowed(await chargeSubject(c.env, "sign-in-browser", `proofs ${person}`), "too_many_attempts");
}

/**
 * Remembers that a network has signed in to a handle, so that guesses from elsewhere cannot lock it out. Costs one actor call in
 * the background.
 */
export function rememberNetworkOf(c: Context<App>, handle: string): void {
  const remember = async () => rememberNetwork(c.env, handle, await markOf(c.env, networkIn(c.req.raw.headers)));
  c.executionCtx.waitUntil(remember().catch(() => undefined)); // Without the key, nothing is remembered.
}
