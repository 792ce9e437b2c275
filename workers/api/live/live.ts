import { createRoute } from "@hono/zod-openapi";
import { LiveCommand, LiveFrame } from "../../../schema/api/live.ts";
import * as codes from "../../../schema/live/live-limits.ts";
import { relayNamed, relayOfNetwork, relayOfPerson } from "../../../schema/live/live-relays.ts";
import { networkOf } from "../accounts/attempts.ts";
import { refuseOtherSites } from "../../http/cross-site.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { regionOf } from "./regions.ts";
import { json, refusals, routes } from "../../http/routes.ts";

export const live = routes();

live.openAPIRegistry.register("LiveCommand", LiveCommand);

// Costs a call of the relay, which notes in D1 where the person is: one query that writes a row once a day.
live.openapi(
  createRoute({
    method: "get",
    path: "/live",
    summary: "What changes, over a WebSocket: posts, and what one is told",
    description:
      "One socket for everything. Send a LiveCommand to say which posts to watch; each message that comes is a LiveFrame. " +
      "After a disconnection connect again, not all at once, and go on with `since`, the `seq` of a post's last frame: " +
      "nothing is left out and nothing comes twice. Who is signed in is also told when there may be something new for " +
      "them, and at once when the socket is open. `ping` is answered with `pong`. Closed with " +
      `${codes.BAD_COMMAND} for what is no LiveCommand, or more than ${codes.POSTS_WATCHED_MAX} posts at a time; ` +
      `${codes.SESSION_OVER} when the session is over; ${codes.TOO_MANY_SOCKETS} when too many newer ones were opened; ` +
      `${codes.TOO_MANY_COMMANDS} for too much said; ${codes.TOO_LARGE} for too much said at once.`,
    responses: { 101: json(LiveFrame, "Frames of this form follow"), ...refusals },
  }),
  async (c) => {
    if (c.req.header("upgrade") !== "websocket") throw new ApiError("upgrade_required");
    const { viewer } = c.var;
    // Browsers let any page open sockets, with the cookie of who looks at it.
    if (viewer) refuseOtherSites(c.req.raw);
    const region = regionOf(c.req.raw);
    const address = c.req.header("cf-connecting-ip");
    const network = viewer || address === undefined ? undefined : networkOf(address);
    const relay = viewer ? relayOfPerson(region, viewer.person) : relayOfNetwork(region, network);
    const guest = { hasBlocks: false, ...viewer, ...(network !== undefined && { network }) };
    const query = new URLSearchParams({ guest: JSON.stringify(guest) });
    const answer = await relayNamed(c.env, relay).fetch(`https://relay/?${query.toString()}`, {
      headers: { upgrade: "websocket" },
    });
    if (answer.status !== 101) throw new ApiError("too_many_subscribers");
    return answer as never;
  },
);
