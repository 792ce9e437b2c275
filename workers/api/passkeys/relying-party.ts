/** For which site passkeys are made and used. */
import { Refusal } from "../../../schema/api/refusals.ts";

/** `id`: the RP ID, which passkeys are bound to. `origins`: where a browser or an app may have used one. */
export type RelyingParty = { id: string; origins: readonly string[] };

/**
 * Returns the RP ID and the accepted origins for a request. Unless the operator has chosen an RP ID, passkeys belong to the
 * host of the request, so they work on each host by themselves, and on localhost. A browser calls the API of its own host
 * only, so the request's origin is where the passkey was used; apps have origins of another kind, which the operator
 * lists. Throws `passkeys_not_set_up` for a host outside the RP ID, and for an address without a name, which browsers
 * reject as an RP ID.
 */
export function relyingPartyOf(
  { PASSKEY_RP_ID, PASSKEY_ORIGINS }: Pick<Env, "PASSKEY_RP_ID" | "PASSKEY_ORIGINS">,
  url: string,
): RelyingParty {
  const { hostname, origin } = new URL(url);
  const id = PASSKEY_RP_ID || hostname;
  const isInside = hostname === id || hostname.endsWith(`.${id}`);
  if (!isInside || IS_ADDRESS.test(hostname)) throw new Refusal("passkeys_not_set_up");
  return { id, origins: [origin, ...PASSKEY_ORIGINS.split(/\s+/).filter(Boolean)] };
}

const IS_ADDRESS = /^[\d.]+$|^\[/;
