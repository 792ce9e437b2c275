import { createRoute, z } from "@hono/zod-openapi";
import * as codes from "../../../schema/live/live-limits.ts";
import { relayNamed, relayOfNetwork, relayOfPerson } from "../../../schema/live/live-relays.ts";
import { chargeNetwork, requireAllowed } from "../../limits/charges.ts";
import { networkIn, SHARED_NETWORK } from "../../limits/networks.ts";
import { refuseOtherSites } from "../../http/cross-site.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { regionOf } from "./regions.ts";
import { useTicket } from "./tickets.ts";
import { refusals, refuseWrongToken, routes } from "../../http/routes.ts";

export const live = routes();

// Costs one call of the relay, which records in D1 that the person is there: one query, which writes a row once a day.
// Another one checks the session at the primary before the first frame.
live.openapi(
  createRoute({
    method: "get",
    path: "/live",
    summary: "Open a WebSocket for live posts and notification hints",
    description:
      "One socket serves a whole client. Send a LiveCommand to choose the posts to watch; each message is a " +
      "LiveFrame. After a disconnection, reconnect after a random delay and resume with `since`, the `seq` of a " +
      "post's last frame: no change is missed or repeated. A signed-in viewer also gets a hint when there may be " +
      "something new in the inbox, the first one as soon as the socket opens. `ping` gets `pong`. The socket closes " +
      `with ${codes.BAD_COMMAND} after an invalid LiveCommand, or more than ${codes.POSTS_WATCHED_MAX} posts at a ` +
      `time; ${codes.SESSION_OVER} when the session is over; ${codes.TOO_MANY_SOCKETS} when too many newer sockets ` +
      `are open; ${codes.TOO_MANY_COMMANDS} after too many commands; ${codes.TOO_LARGE} after a command that is too ` +
      "large.",
    request: { query: z.object({ ticket: z.string().max(1000).optional() }) },
    responses: {
      101: { description: "The socket is open. Its messages are described in `/v1/asyncapi.json`" },
      ...refusals,
    },
  }),
  async (c) => {
    if (c.req.header("upgrade") !== "websocket") throw new Refusal("upgrade_required");
    const { reader } = c.var;
    await refuseWrongToken(c);
    const { ticket } = c.req.valid("query");
    const viewer = ticket === undefined ? await reader.confirmedViewer() : await useTicket(c, ticket);
    // Browsers let any page open a socket with its visitor's cookie.
    if (viewer && ticket === undefined) refuseOtherSites(c.req.raw);
    const region = regionOf(c.req.raw);
    const own = networkIn(c.req.raw.headers);
    if (!viewer) requireAllowed(await chargeNetwork(c.env, own, [{ limit: "visitor-live" }]));
    const network = viewer || own === SHARED_NETWORK ? undefined : own;
    const relay = viewer ? relayOfPerson(region, viewer.person) : relayOfNetwork(region, network);
    const guest = { ...viewer, ...(network !== undefined && { network }) };
    const query = new URLSearchParams({ guest: JSON.stringify(guest) });
    const response = await relayNamed(c.env, relay).fetch(`https://relay/?${query.toString()}`, {
      headers: { upgrade: "websocket" },
    });
    if (response.status !== 101) throw new Refusal("too_many_subscribers");
    return response;
  },
);
