/** Signing in and out. */
import { createRoute } from "@hono/zod-openapi";
import { and, eq, sql } from "drizzle-orm";
import { type PersonCard, SignedIn, SignIn } from "../../../schema/api/people.ts";
import { type MediaId, newId, type PersonId } from "../../../schema/ids.ts";
import { cardOf, PICTURE } from "../../../schema/d1/person-cards.ts";
import { databaseOf, shardOfHandle } from "../../../schema/d1/shards.ts";
import { credentials, people } from "../../../schema/tables/people.ts";
import { closeSockets } from "../../notifications/socket-hints.ts";
import { claimantOf } from "../../reads/people.ts";
import { countSignIn, rememberNetworkOf } from "./attempts.ts";
import { refuseOtherSites } from "../../http/cross-site.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { networkIn } from "../../limits/networks.ts";
import { withTurn } from "../../passwords/hashing-turns.ts";
import { verifyPassword } from "../../passwords/passwords.ts";
import { body, json, refusals, refuseWrongToken, routes, requireViewer } from "../../http/routes.ts";
import { endStatements, signInHere } from "./begin-session.ts";
import { forgetSession } from "./tokens.ts";
import { endSession } from "./viewer.ts";

export const sessions = routes();

// Costs three D1 queries, the last only if the password is right. An unknown handle costs as much as a wrong password.
sessions.openapi(
  createRoute({
    method: "post",
    path: "/sessions",
    summary: "Sign in",
    description:
      "The token is set as a cookie too, for browsers, and ends the session that the same browser had before. A sign-in " +
      "on a new device raises a notification. A browser that has signed in before is not locked out by " +
      "the attempts of others: send its cookies with each attempt. A session ends when it has " +
      "not been used for 30 days, and after 180 days.",
    request: body(SignIn),
    responses: { 201: json(SignedIn, "Signed in"), ...refusals },
  }),
  async (c) => {
    refuseOtherSites(c.req.raw);
    await refuseWrongToken(c);
    const { handle, password } = c.req.valid("json");
    const known = await withTurn(networkIn(c.req.raw.headers), async (inTurn) => {
      const found = await countSignIn(c, handle, () => credentialsOf(c.env, handle));
      return (await inTurn(() => verifyPassword(c.env, password, found?.password))) ? found : undefined;
    });
    if (!known) throw new Refusal("wrong_credentials");
    const token = await signInHere(c, known.person.id, known.password);
    rememberNetworkOf(c, handle);
    return c.json({ person: known.person, token }, 201);
  },
);

sessions.openapi(
  createRoute({
    method: "delete",
    path: "/sessions/current",
    summary: "Sign out",
    description: "The token is rejected everywhere as soon as D1's replicas have it, which takes a moment.",
    responses: { 204: { description: "Signed out" }, ...refusals },
  }),
  async (c) => {
    const viewer = await requireViewer(c);
    const { person, session } = viewer;
    await c.var.reader.write(session, endStatements(viewer));
    forgetSession(session);
    await closeSockets(c.env, person, session);
    endSession(c);
    c.header("clear-site-data", '"cache"'); // Pictures of private people, among others. The client clears its own storage.
    return c.body(null, 204);
  },
);

/** Queries for the credentials of nobody if the handle is unknown, so that the response time does not reveal it. */
async function credentialsOf(env: Env, handle: string): Promise<{ person: PersonCard; password: string } | undefined> {
  const id = (await claimantOf(env, handle)) ?? newId<PersonId>(shardOfHandle(handle), 0, 0);
  const [row] = await databaseOf(env, id)
    .orm.select({
      person: { id: people.id, handle: people.handle, name: people.name, picture: sql<MediaId | null>`${PICTURE}` },
      password: credentials.password,
    })
    .from(people)
    .innerJoin(credentials, eq(credentials.person, people.id))
    .where(and(eq(people.id, id), eq(people.handle, handle)));
  return row && { person: cardOf(row.person), password: row.password };
}
