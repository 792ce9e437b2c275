/**
 * Signing in with a passkey. The authenticator names the person, whose id names the database, so there is no index of
 * passkeys.
 */
import { createRoute } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import { textFromBase64url } from "../../../schema/base64url.ts";
import { PasskeyRequestOptions, PasskeySignIn } from "../../../schema/api/passkeys.ts";
import { type PersonCard, SignedIn } from "../../../schema/api/people.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { statement } from "../../../schema/d1/database.ts";
import { CARD_COLUMNS, cardOf, type CardRow } from "../../../schema/d1/person-cards.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import { isId, NOBODY, type PersonId } from "../../../schema/ids.ts";
import { credentials, passkeys, people } from "../../../schema/tables/people.ts";
import { refuseOtherSites } from "../../http/cross-site.ts";
import { body, json, refusals, refuseWrongToken, routes } from "../../http/routes.ts";
import { requireReadAllowed } from "../../limits/charges.ts";
import { networkIn } from "../../limits/networks.ts";
import { countSignIn, rememberNetworkOf } from "../sessions/attempts.ts";
import { signInHere } from "../sessions/begin-session.ts";
import { CHALLENGE_LASTS, IS_UNUSED, issueTimeOf, newChallenge, useChallenge } from "./challenges.ts";
import { relyingPartyOf } from "./relying-party.ts";
import { checkSignIn, isCopied, isSigned } from "./verify.ts";

export const passkeySignIn = routes();

// Costs no query and no row, so it needs no other limit than a read.
passkeySignIn.openapi(
  createRoute({
    method: "post",
    path: "/sessions/passkey/options",
    summary: "Begin to sign in with a passkey",
    description:
      "Returns the options for `navigator.credentials.get`. They name no person: the authenticator offers the passkeys that " +
      "it has for this site. Programs send the response's cookie back with the answer.",
    responses: { 200: json(PasskeyRequestOptions), ...refusals },
  }),
  async (c) => {
    refuseOtherSites(c.req.raw);
    await requireReadAllowed(c.env, undefined, networkIn(c.req.raw.headers));
    const { id: rpId } = relyingPartyOf(c.env, c.req.url);
    const challenge = await newChallenge(c, "sign-in");
    return c.json({ challenge, rpId, timeout: CHALLENGE_LASTS, userVerification: "required" as const }, 200);
  },
);

// Costs one D1 query and two batches. An unknown passkey costs as much as a wrong signature: the query, and a signature
// that is verified.
passkeySignIn.openapi(
  createRoute({
    method: "post",
    path: "/sessions/passkey",
    summary: "Sign in with a passkey",
    description:
      "Takes what `navigator.credentials.get` returns, with the cookie that came with the options, and begins a session " +
      "as a sign-in with a password does. Counts as a sign-in for the limit of attempts. An unknown passkey, a wrong " +
      "signature and a closed account give the same `wrong_passkey`.",
    request: body(PasskeySignIn),
    responses: { 201: json(SignedIn, "Signed in"), ...refusals },
  }),
  async (c) => {
    refuseOtherSites(c.req.raw);
    await refuseWrongToken(c);
    const sent = c.req.valid("json");
    const { id } = sent;
    const party = relyingPartyOf(c.env, c.req.url);
    let issuedAt = 0;
    const counter = await checkSignIn(sent, party, async (challenge) => {
      issuedAt = await issueTimeOf(c, challenge, "sign-in");
    });

    const known = await countSignIn(c, undefined, () => passkeyOf(c.env, personIn(sent.response.userHandle), id));
    const isRight = await isSigned(sent, known?.publicKey, party);
    if (!known || !isRight) throw new Refusal("wrong_passkey");
    // The owner has the key, so they may know why.
    if (isCopied(counter, known.signCount)) throw new Refusal("passkey_copied");

    const { person, password } = known;
    const [noted, used] = await databaseOf(c.env, person.id).batch([
      statement(NOTE_USE, person.id, issuedAt, id, counter, Date.now()),
      useChallenge(person.id, issuedAt),
    ]);
    if (used?.changes === 0) throw new Refusal("passkey_challenge_over");
    if (noted?.changes === 0) throw new Refusal("wrong_passkey"); // Removed, or used by a copy, in the meantime.
    const token = await signInHere(c, person.id, password);
    rememberNetworkOf(c, person.handle);
    return c.json({ person, token }, 201);
  },
);

type Known = { person: PersonCard; password: string; publicKey: string; signCount: number };
type Row = CardRow & Omit<Known, "person">;

/** Returns the person that an authenticator names; nobody, for whom the same query runs, if that is no id. */
function personIn(userHandle: string): PersonId {
  try {
    const text = textFromBase64url(userHandle);
    return isId(text) ? (text as PersonId) : NOBODY;
  } catch {
    return NOBODY;
  }
}

async function passkeyOf(env: Env, id: PersonId, passkey: string): Promise<Known | undefined> {
  const row = await databaseOf(env, id).first<Row>(KNOWN, id, passkey);
  if (!row) return undefined;
  const { password, publicKey, signCount } = row;
  return { person: cardOf(row), password, publicKey, signCount };
}

const KNOWN = textOf(sql`
  SELECT ${CARD_COLUMNS}, ${credentials.password}, ${passkeys.publicKey} AS "publicKey",
    ${passkeys.signCount} AS "signCount"
  FROM ${passkeys}
  JOIN ${people} ON ${people.id} = ${passkeys.person}
  JOIN ${credentials} ON ${credentials.person} = ${passkeys.person}
  WHERE ${passkeys.person} = ?1 AND ${passkeys.id} = ?2`);
// Of two copies at once, one finds the counter of the other.
const NOTE_USE = textOf(sql`
  UPDATE ${passkeys} SET ${bare(passkeys.signCount)} = ?4, ${bare(passkeys.usedAt)} = ?5
  WHERE ${passkeys.person} = ?1 AND ${passkeys.id} = ?3 AND ${IS_UNUSED}
    AND (${passkeys.signCount} < ?4 OR (${passkeys.signCount} = 0 AND ?4 = 0))`);
