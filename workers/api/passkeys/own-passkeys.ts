/** The viewer's passkeys: listed, added, renamed and removed. */
import { createRoute, z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import { textToBase64url } from "../../../schema/base64url.ts";
import { ConfirmPassword } from "../../../schema/api/accounts.ts";
import {
  NewPasskey,
  Passkey,
  PASSKEYS_MAX,
  PasskeyCreationOptions,
  PasskeyId,
  PasskeyList,
  RenamePasskey,
} from "../../../schema/api/passkeys.ts";
import { Refusal, type RefusalCode } from "../../../schema/api/refusals.ts";
import { statement } from "../../../schema/d1/database.ts";
import { bare, list, literal, textOf } from "../../../schema/d1/sql.ts";
import { passkeys, sessions } from "../../../schema/tables/people.ts";
import { body, claimedViewer, json, refusals, requireViewer, routes } from "../../http/routes.ts";
import { deviceOf } from "../sessions/devices.ts";
import { provePassword } from "../sessions/prove-password.ts";
import { CHALLENGE_LASTS, IS_UNUSED, issueTimeOf, newChallenge, useChallenge } from "./challenges.ts";
import { relyingPartyOf } from "./relying-party.ts";
import { ALGORITHMS, verifyCreated } from "./verify.ts";

/** What authenticators show as the name of the site. */
const SITE_NAME = "Shutterline";

export const ownPasskeys = routes();

// Costs one D1 query of the primary, because a replica may still list a passkey that has just been removed.
ownPasskeys.openapi(
  createRoute({
    method: "get",
    path: "/me/passkeys",
    summary: "List the viewer's passkeys, the newest first",
    description: `At most ${PASSKEYS_MAX}, on a single page.`,
    responses: { 200: json(PasskeyList), ...refusals },
  }),
  async (c) => {
    const { person } = claimedViewer(c);
    const rows = await c.var.reader.primary<Row>(person, OWN, person);
    return c.json({ items: rows.map(presentPasskey) }, 200);
  },
);

// Costs two D1 queries and one hash.
ownPasskeys.openapi(
  createRoute({
    method: "post",
    path: "/me/passkeys/options",
    summary: "Begin to add a passkey",
    description:
      "Needs the password. Returns the options for `navigator.credentials.create`. Programs send the response's cookie " +
      "back with the new passkey.",
    request: body(ConfirmPassword),
    responses: { 200: json(PasskeyCreationOptions), ...refusals },
  }),
  async (c) => {
    const { person, session } = await requireViewer(c);
    const { id } = relyingPartyOf(c.env, c.req.url);
    const { handle, name } = await provePassword(c, person, c.req.valid("json").password);
    const known = await c.var.reader.primary<Row>(person, OWN, person);
    if (known.length >= PASSKEYS_MAX) throw new Refusal("too_many_passkeys");
    return c.json(
      {
        rp: { id, name: SITE_NAME },
        // Comes back with each sign-in, where it says which database to ask.
        user: { id: textToBase64url(person), name: handle, displayName: name },
        challenge: await newChallenge(c, session),
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: PUBLIC_KEY, alg })),
        timeout: CHALLENGE_LASTS,
        excludeCredentials: known.map(({ id }) => ({ type: PUBLIC_KEY, id })),
        authenticatorSelection: {
          residentKey: "required" as const,
          requireResidentKey: true as const,
          userVerification: "required" as const,
        },
        attestation: "none" as const,
      },
      200,
    );
  },
);

// Costs one D1 batch.
ownPasskeys.openapi(
  createRoute({
    method: "post",
    path: "/me/passkeys",
    summary: "Add a passkey",
    description:
      "Takes what `navigator.credentials.create` returns, in the session that asked for the options and with the cookie " +
      `that came with them. A person has at most ${PASSKEYS_MAX} passkeys.`,
    request: body(NewPasskey),
    responses: { 201: json(Passkey, "Added"), ...refusals },
  }),
  async (c) => {
    const { person, session } = await requireViewer(c);
    const { credential, name = deviceOf(c.req.header("user-agent")) } = c.req.valid("json");
    const party = relyingPartyOf(c.env, c.req.url);
    let issuedAt = 0;
    const { publicKey, counter } = await verifyCreated(credential, party, async (challenge) => {
      issuedAt = await issueTimeOf(c, challenge, session);
    });

    const { id } = credential;
    const addedAt = Date.now();
    const [before, added] = await c.var.reader.write<State>(person, [
      statement(STATE, person, issuedAt, id),
      statement(ADD, person, issuedAt, id, session, publicKey, counter, name, addedAt),
      useChallenge(person, issuedAt),
    ]);
    if (added?.changes === 0) throw new Refusal(reasonIn(before?.rows[0]));
    return c.json(presentPasskey({ id, name, addedAt, usedAt: null }), 201);
  },
);

ownPasskeys.openapi(
  createRoute({
    method: "patch",
    path: "/me/passkeys/{passkey}",
    summary: "Rename a passkey",
    request: { params: z.object({ passkey: PasskeyId }), ...body(RenamePasskey) },
    responses: { 204: { description: "Renamed" }, ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { passkey } = c.req.valid("param");
    const { name } = c.req.valid("json");
    const [renamed] = await c.var.reader.write(person, [statement(RENAME, person, passkey, name)]);
    if (renamed?.changes === 0) throw new Refusal("passkey_not_found");
    return c.body(null, 204);
  },
);

ownPasskeys.openapi(
  createRoute({
    method: "delete",
    path: "/me/passkeys/{passkey}",
    summary: "Remove a passkey",
    description: "It signs nobody in from then on. Sessions that it has begun stay: end them at `/v1/me/sessions`.",
    request: { params: z.object({ passkey: PasskeyId }) },
    responses: { 204: { description: "Removed" }, ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { passkey } = c.req.valid("param");
    const [removed] = await c.var.reader.write(person, [statement(REMOVE, person, passkey)]);
    if (removed?.changes === 0) throw new Refusal("passkey_not_found");
    return c.body(null, 204);
  },
);

const PUBLIC_KEY = "public-key" as const;

type Row = Pick<typeof passkeys.$inferSelect, "id" | "name" | "addedAt" | "usedAt">;
type State = { count: number; isThere: 0 | 1; isUnused: 0 | 1 };

/** Says why a passkey was not added. */
function reasonIn(before: State | undefined): RefusalCode {
  if (before?.isUnused !== 1) return "passkey_challenge_over";
  if (before.isThere === 1) return "passkey_exists";
  return before.count >= PASSKEYS_MAX ? "too_many_passkeys" : "not_signed_in";
}

const presentPasskey = ({ id, name, addedAt, usedAt }: Row): Passkey => ({
  id,
  name,
  addedAt: new Date(addedAt).toISOString(),
  ...(usedAt !== null && { usedAt: new Date(usedAt).toISOString() }),
});

const OWN = textOf(sql`
  SELECT ${passkeys.id}, ${passkeys.name}, ${passkeys.addedAt} AS "addedAt", ${passkeys.usedAt} AS "usedAt"
  FROM ${passkeys} WHERE ${passkeys.person} = ?1 ORDER BY ${passkeys.addedAt} DESC, ${passkeys.id} LIMIT ${literal(PASSKEYS_MAX)}`);
const COUNT = sql`(SELECT count(*) FROM ${passkeys} WHERE ${passkeys.person} = ?1)`;
const STATE = textOf(sql`
  SELECT ${COUNT} AS "count", ${IS_UNUSED} AS "isUnused",
    EXISTS (SELECT 1 FROM ${passkeys} WHERE ${passkeys.person} = ?1 AND ${passkeys.id} = ?3) AS "isThere"`);
// A replica may not know yet that the session has ended; the primary does.
const ADD = textOf(sql`
  INSERT INTO ${passkeys} (${list(
    passkeys.person,
    passkeys.id,
    passkeys.publicKey,
    passkeys.signCount,
    passkeys.name,
    passkeys.addedAt,
  )})
  SELECT ?1, ?3, ?5, ?6, ?7, ?8
  WHERE ${IS_UNUSED} AND ${COUNT} < ${literal(PASSKEYS_MAX)}
    AND EXISTS (SELECT 1 FROM ${sessions} WHERE ${sessions.id} = ?4 AND ${sessions.person} = ?1)
  ON CONFLICT DO NOTHING`);
const RENAME = textOf(sql`
  UPDATE ${passkeys} SET ${bare(passkeys.name)} = ?3 WHERE ${passkeys.person} = ?1 AND ${passkeys.id} = ?2`);
const REMOVE = textOf(sql`DELETE FROM ${passkeys} WHERE ${passkeys.person} = ?1 AND ${passkeys.id} = ?2`);
