/** Changing one's own password. */
import { createRoute } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import { statement } from "../../../schema/d1/database.ts";
import { ChangePassword, NewToken } from "../../../schema/api/accounts.ts";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import { credentials, sessions } from "../../../schema/tables/people.ts";
import { body, json, refusals, requireViewer, routes } from "../../http/routes.ts";
import { networkIn } from "../../limits/networks.ts";
import { hashInTurn } from "../../passwords/hashing-turns.ts";
import { forgetEnded } from "../sessions/begin-session.ts";
import { rememberDevice } from "../sessions/devices.ts";
import { END_OTHERS_IF_SET, END_SUBSCRIPTIONS_IF_SET, IS_SET, REMOVE_PASSKEYS_IF_SET } from "./new-password.ts";
import { refuseWeakPassword } from "../../passwords/password-rules.ts";
import { hashPassword } from "../../passwords/passwords.ts";
import { provePassword, wrongPassword } from "../sessions/prove-password.ts";
import { newToken } from "../sessions/tokens.ts";
import { beginSession } from "../sessions/viewer.ts";

export const changePassword = routes();

// Costs one D1 query, two hashes and one batch.
changePassword.openapi(
  createRoute({
    method: "put",
    path: "/me/password",
    summary: "Change the viewer's password",
    description:
      "Needs the current password. Ends all other sessions of the viewer and their sockets, and replaces the token of " +
      "this one. Passkeys stay unless the request removes them. Allows ten attempts at once.",
    request: body(ChangePassword),
    responses: { 200: json(NewToken, "Changed"), ...refusals },
  }),
  async (c) => {
    const { person, session } = await requireViewer(c);
    const { current, password, removePasskeys } = c.req.valid("json");
    const { reader } = c.var;
    const { handle, name, stored } = await provePassword(c, person, current, "current");
    refuseWeakPassword(password, [handle, name]);
    const hash = await hashInTurn(networkIn(c.req.raw.headers), () => hashPassword(c.env, password));
    const { token, secretHash } = await newToken(c.env, person, session);
    const [, , ended, renewed] = await reader.write<{ id: typeof session }>(person, [
      statement(SET, person, hash, stored),
      statement(END_SUBSCRIPTIONS_IF_SET, person, hash, session),
      statement(END_OTHERS_IF_SET, person, hash, session),
      statement(RENEW_IF_SET, person, hash, session, secretHash, Date.now()),
      ...(removePasskeys ? [statement(REMOVE_PASSKEYS_IF_SET, person, hash)] : []),
    ]);
    if ((renewed?.changes ?? 0) === 0) throw wrongPassword("current"); // Another change was first.
    forgetEnded(
      c,
      person,
      (ended?.rows ?? []).map(({ id }) => id),
    );
    if (c.req.header("authorization") === undefined) {
      beginSession(c, token);
      await rememberDevice(c, person, hash);
    }
    return c.json({ token }, 200);
  },
);

// Of two changes at once, the second finds another password than the one it has verified.
const SET = textOf(sql`
  UPDATE ${credentials} SET ${bare(credentials.password)} = ?2
  WHERE ${credentials.person} = ?1 AND ${credentials.password} = ?3`);
const RENEW_IF_SET = textOf(sql`
  UPDATE ${sessions} SET ${bare(sessions.secretHash)} = ?4, ${bare(sessions.priorHash)} = NULL,
    ${bare(sessions.renewedAt)} = ?5
  WHERE ${sessions.id} = ?3 AND ${IS_SET}`);
