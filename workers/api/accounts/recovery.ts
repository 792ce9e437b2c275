/**
 * Getting an account back without its password: by a recovery code that the person has kept, or by a link that the operator
 * has issued. Both are random secrets that only their hashes are stored of, and both work once. No answer tells whether a
 * handle exists, what it has, or which part was wrong, and each costs the same queries and hashes.
 */
import { createRoute } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { toBase64url } from "../../../schema/base64url.ts";
import {
  ConfirmPassword,
  NewRecoveryCodes,
  Recover,
  RECOVERY_CODES,
  RecoveryCodesLeft,
  UseResetLink,
} from "../../../schema/api/accounts.ts";
import { SignedIn } from "../../../schema/api/people.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { statement } from "../../../schema/d1/database.ts";
import { CARD_COLUMNS, cardOf, type CardRow } from "../../../schema/d1/person-cards.ts";
import { databaseOf, shardOfHandle } from "../../../schema/d1/shards.ts";
import { bare, list, rowsOf, textOf, valueOf } from "../../../schema/d1/sql.ts";
import { DIGITS, isId, newId, type PersonId, type SessionId } from "../../../schema/ids.ts";
import { credentials, people, recoverySecrets } from "../../../schema/tables/people.ts";
import { signInNotification, signInIfBegunStatement } from "../../notifications/sign-in-notifications.ts";
import { announce } from "../../push/announce.ts";
import { claimantOf } from "../../reads/people.ts";
import { refuseOtherSites } from "../../http/cross-site.ts";
import { type App, body, json, refusals, refuseWrongToken, requireViewer, routes } from "../../http/routes.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { networkIn } from "../../limits/networks.ts";
import { countSignIn } from "../sessions/attempts.ts";
import { beginSql, forgetEnded, wordsOf } from "../sessions/begin-session.ts";
import { originOf, rememberDevice } from "../sessions/devices.ts";
import { END_OTHERS_IF_SET, END_SUBSCRIPTIONS_IF_SET, IS_SET, REMOVE_PASSKEYS_IF_SET } from "./new-password.ts";
import { refuseWeakPassword } from "../../passwords/password-rules.ts";
import { hashInTurn } from "../../passwords/hashing-turns.ts";
import { hashPassword } from "../../passwords/passwords.ts";
import { provePassword } from "../sessions/prove-password.ts";
import { hashOf, newSession } from "../sessions/tokens.ts";
import { beginSession } from "../sessions/viewer.ts";

/** 80 bits: nobody guesses one, so a fast hash is enough. */
const CODE_LENGTH = 16;
const SECRET_BYTES = 32;
/** How long a link from the operator can be used, in ms. */
export const LINK_LASTS = 3_600_000;

export const recovery = routes();

recovery.openapi(
  createRoute({
    method: "get",
    path: "/me/recovery-codes",
    summary: "Count the viewer's unused recovery codes",
    responses: { 200: json(RecoveryCodesLeft), ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const [row] = await c.var.reader.primary<{ left: number; madeAt: number | null }>(person, LEFT, person);
    const madeAt = row?.madeAt ?? null;
    return c.json({ left: row?.left ?? 0, ...(madeAt !== null && { madeAt: new Date(madeAt).toISOString() }) }, 200);
  },
);

// Costs one D1 query, one hash and one batch, which writes 10 rows.
recovery.openapi(
  createRoute({
    method: "post",
    path: "/me/recovery-codes",
    summary: "Make a new set of recovery codes",
    description: "Needs the password. All earlier codes stop working. The codes are shown only in this response.",
    request: body(ConfirmPassword),
    responses: { 201: json(NewRecoveryCodes, "Made"), ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { reader } = c.var;
    await provePassword(c, person, c.req.valid("json").password);
    const codes = Array.from({ length: RECOVERY_CODES }, newCode);
    const rows = await Promise.all(
      codes.map(async (code): Promise<typeof SECRETS.Row> => ({ hash: await hashOf(code) })),
    );
    await reader.write(person, [
      statement(FORGET_CODES, person),
      statement(SAVE_CODES, person, JSON.stringify(rows), Date.now()),
    ]);
    return c.json({ codes: codes.map(grouped) }, 201);
  },
);

recovery.openapi(
  createRoute({
    method: "post",
    path: "/recovery",
    summary: "Choose a new password with a recovery code",
    description:
      "Signs in, ends all other sessions of the person, and removes their passkeys. The code cannot be used again. Any " +
      "wrong part gives the same `wrong_credentials`. Counts as a sign-in for the limit of attempts.",
    request: body(Recover),
    responses: { 201: json(SignedIn, "Recovered and signed in"), ...refusals },
  }),
  async (c) => {
    refuseOtherSites(c.req.raw);
    await refuseWrongToken(c);
    const { handle, code, password } = c.req.valid("json");
    refuseWeakPassword(password, [handle]);
    await countSignIn(c, handle, noCredentials);
    // For a handle that nobody has, the same statements run for nobody.
    const person = (await claimantOf(c.env, handle)) ?? newId<PersonId>(shardOfHandle(handle), 0, 0);
    const recovered = await recover(c, person, { secret: code, kind: "code", password, handle });
    if (!recovered) {
      throw new Refusal("wrong_credentials", "The handle or the recovery code is wrong. Check both and try again.");
    }
    return c.json(recovered, 201);
  },
);

recovery.openapi(
  createRoute({
    method: "post",
    path: "/password-resets",
    summary: "Choose a new password with a link from the operator",
    description:
      "Signs in, ends all other sessions of the person, and removes their passkeys. A link works once, within an hour.",
    request: body(UseResetLink),
    responses: { 201: json(SignedIn, "Recovered and signed in"), ...refusals },
  }),
  async (c) => {
    refuseOtherSites(c.req.raw);
    await refuseWrongToken(c);
    const { link, password } = c.req.valid("json");
    const [person = "", secret = ""] = link.split(".", 2);
    refuseWeakPassword(password, []);
    await countSignIn(c, `link ${person.slice(0, 30)}`, noCredentials);
    const recovered = isId(person)
      ? await recover(c, person as PersonId, { secret, kind: "link", password, handle: null })
      : undefined;
    if (!recovered) {
      throw new Refusal("wrong_credentials", "This link is not valid any more. Ask for a new one.");
    }
    return c.json(recovered, 201);
  },
);

/** A known browser is no proof here, so every attempt counts for its network. */
const noCredentials = async (): Promise<undefined> => undefined;

/**
 * `handle`: what the person must be called; null if the secret alone says who it is for. A claim on a handle may be of
 * somebody who has another one.
 */
type Proof = {
  secret: string;
  kind: (typeof recoverySecrets.$inferSelect)["kind"];
  password: string;
  handle: string | null;
};

/**
 * Uses a secret up, sets the password, ends all sessions and passkeys and begins a session, in one transaction; or changes
 * nothing and returns undefined if the secret is wrong, used or expired. Costs one hash and one D1 batch either way.
 */
async function recover(
  c: Context<App>,
  person: PersonId,
  { secret, kind, password, handle }: Proof,
): Promise<SignedIn | undefined> {
  const [hash, secretHash] = await Promise.all([
    hashInTurn(networkIn(c.req.raw.headers), () => hashPassword(c.env, password)),
    hashOf(secret),
  ]);
  const origin = originOf(c);
  const { token, session, results } = await withFreshIds(async () => {
    const { token, row } = await newSession(c.env, person);
    const results = await databaseOf(c.env, person).batch<never>([
      statement(SET, person, hash, secretHash, kind, row.usedAt, handle),
      statement(USE_UP, person, hash, secretHash, kind),
      statement(END_SUBSCRIPTIONS_IF_SET, person, hash, row.id),
      statement(END_OTHERS_IF_SET, person, hash, row.id),
      statement(REMOVE_PASSKEYS_IF_SET, person, hash), // Somebody else may have added one.
      statement(BEGIN, person, hash, row.id, row.secretHash, row.expiresAt, row.usedAt, origin.device, origin.place),
      signInIfBegunStatement(person, row.id, wordsOf(origin), row.usedAt),
      statement(CARD, person, hash),
    ]);
    return { token, session: row.id, results };
  });
  const [card] = (results.at(-1)?.rows ?? []) as CardRow[];
  if (!card) return undefined;
  forgetEnded(
    c,
    person,
    ((results[3]?.rows ?? []) as { id: SessionId }[]).map(({ id }) => id),
  );
  c.executionCtx.waitUntil(announce(c.env, [signInNotification(person, session)]));
  beginSession(c, token);
  await rememberDevice(c, person, hash);
  return { person: cardOf(card), token };
}

const SECRETS = rowsOf(recoverySecrets, ["hash"]);
const CODE = valueOf(recoverySecrets.kind, "code");

const LEFT = textOf(sql`
  SELECT count(*) AS "left", max(${recoverySecrets.madeAt}) AS "madeAt" FROM ${recoverySecrets}
  WHERE ${recoverySecrets.person} = ?1 AND ${recoverySecrets.kind} = ${CODE}`);
const FORGET_CODES = textOf(sql`
  DELETE FROM ${recoverySecrets} WHERE ${recoverySecrets.person} = ?1 AND ${recoverySecrets.kind} = ${CODE}`);
const SAVE_CODES = textOf(sql`
  INSERT INTO ${recoverySecrets} (${list(recoverySecrets.person, recoverySecrets.kind, recoverySecrets.madeAt)},
    ${SECRETS.columns})
  SELECT ?1, ${CODE}, ?3, ${SECRETS.values} FROM json_each(?2)`);
const SET = textOf(sql`
  UPDATE ${credentials} SET ${bare(credentials.password)} = ?2
  WHERE ${credentials.person} = ?1 AND EXISTS (
    SELECT 1 FROM ${people} WHERE ${people.id} = ?1 AND (?6 IS NULL OR ${people.handle} = ?6)) AND EXISTS (
    SELECT 1 FROM ${recoverySecrets}
    WHERE ${recoverySecrets.person} = ?1 AND ${recoverySecrets.hash} = ?3 AND ${recoverySecrets.kind} = ?4
      AND (${recoverySecrets.expiresAt} IS NULL OR ${recoverySecrets.expiresAt} > ?5))`);
// A new password also ends every link, since somebody else may have one.
const USE_UP = textOf(sql`
  DELETE FROM ${recoverySecrets}
  WHERE ${recoverySecrets.person} = ?1 AND ${IS_SET}
    AND (${recoverySecrets.hash} = ?3 AND ${recoverySecrets.kind} = ?4 OR ${recoverySecrets.kind} <> ${CODE})`);
const BEGIN = beginSql(sql`SELECT ?3, ?1, ?4, ?5, ?6, ?7, ?8 WHERE ${IS_SET}`);
const CARD = textOf(sql`
  SELECT ${CARD_COLUMNS} FROM ${people} WHERE ${people.id} = ?1 AND ${IS_SET}`);

/** Issues a link for `person` that works once and for an hour; earlier ones stop working. Costs one D1 batch. */
export async function issueLink(env: Env, person: PersonId): Promise<{ link: string; expiresAt: number }> {
  const secret = toBase64url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
  const now = Date.now();
  const expiresAt = now + LINK_LASTS;
  await databaseOf(env, person).batch([
    statement(FORGET_LINKS, person),
    statement(SAVE_LINK, person, await hashOf(secret), now, expiresAt),
  ]);
  return { link: `${person}.${secret}`, expiresAt };
}

const LINK = valueOf(recoverySecrets.kind, "link");
const FORGET_LINKS = textOf(sql`
  DELETE FROM ${recoverySecrets} WHERE ${recoverySecrets.person} = ?1 AND ${recoverySecrets.kind} = ${LINK}`);
const SAVE_LINK = textOf(sql`
  INSERT INTO ${recoverySecrets} (${list(
    recoverySecrets.person,
    recoverySecrets.hash,
    recoverySecrets.kind,
    recoverySecrets.madeAt,
    recoverySecrets.expiresAt,
  )})
  VALUES (?1, ?2, ${LINK}, ?3, ?4)`);

/** Draws a code from the 32 characters of ids, none of which looks like another. */
const newCode = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(CODE_LENGTH)), (byte) => DIGITS.charAt(byte % DIGITS.length)).join(
    "",
  );

const grouped = (code: string): string => code.match(/.{4}/g)?.join("-") ?? code;
