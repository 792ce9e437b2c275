/**
 * Tickets for live sockets: a browser cannot send a token when it opens a WebSocket to another origin. A ticket opens one
 * socket, within a minute, from the origin that asked for it. It is a signed text, so nothing is stored until it is used.
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { textFromBase64url, textToBase64url } from "../../../schema/base64url.ts";
import { LiveTicket } from "../../../schema/api/live.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import { PersonId, SessionId } from "../../../schema/ids.ts";
import { appOriginOf } from "../../http/other-origins.ts";
import { type App, json, refusals, requireViewer, routes } from "../../http/routes.ts";
import { issue, issuedText } from "../../storage/issued-tokens.ts";
import type { Viewer } from "../../storage/viewer.ts";

/** In ms. */
const LASTS = 60_000;
/** Of a bucket that one ticket empties, and that is full again when the ticket has expired. */
const ONCE = { burst: 1, perMinute: 1, perDay: 1440 };

/** What a ticket says. `id` tells two of one moment apart. */
const Ticket = z.object({
  person: PersonId,
  session: SessionId,
  origin: z.string(),
  until: z.number(),
  id: z.string(),
});
type Ticket = z.infer<typeof Ticket>;

export const tickets = routes();

tickets.openapi(
  createRoute({
    method: "post",
    path: "/live/tickets",
    summary: "Get a ticket that opens a live socket",
    description:
      "For web apps of other origins, whose browsers cannot send a token with a WebSocket. The ticket opens one socket as the " +
      "viewer, within a minute, from the same origin: `GET /v1/live?ticket=...`. Get another one for each reconnection.",
    responses: { 201: json(LiveTicket, "The ticket"), ...refusals },
  }),
  async (c) => {
    const viewer = await requireViewer(c);
    const until = Date.now() + LASTS;
    const origin = appOriginOf(c.req.raw) ?? "";
    const ticket: Ticket = { ...viewer, origin, until, id: crypto.randomUUID() };
    const text = textToBase64url(JSON.stringify(ticket));
    return c.json({ ticket: await issue(c.env, "ticket", text), expiresAt: new Date(until).toISOString() }, 201);
  },
);

/**
 * Returns the viewer that a ticket stands for, and uses it up. Throws `not_signed_in` if it was used, has expired, or was issued
 * to another origin. Whether their session is still open is for the caller to check. Costs one actor call.
 */
export async function useTicket(c: Context<App>, token: string): Promise<Viewer> {
  const ticket = await ticketIn(c.env, token);
  if (!ticket || ticket.until <= Date.now() || ticket.origin !== (appOriginOf(c.req.raw) ?? "")) throw invalid();
  const { person, session, id } = ticket;
  const allowance = c.env.ALLOWANCES.getByName(person);
  const used = allowance.charge([{ name: `ticket ${id}`, figures: ONCE, cost: 1 }]);
  if (!(await within(STORE_TIMEOUT, used, "the tickets")).allowed) throw invalid();
  return { person, session };
}

async function ticketIn(env: Env, token: string): Promise<Ticket | undefined> {
  const text = await issuedText(env, "ticket", token);
  if (text === undefined) return undefined;
  try {
    return Ticket.safeParse(JSON.parse(textFromBase64url(text))).data;
  } catch {
    return undefined; // Until the isolate has read its key, a made-up text may get here.
  }
}

const invalid = () => new Refusal("not_signed_in", "This ticket was used or has expired. Get another one.");
