/** What people manage of their own account: password and sessions. */
import { z } from "@hono/zod-openapi";
import { SessionId } from "../ids.ts";
import { Timestamp } from "./common.ts";
import { Password } from "./people.ts";

export const ChangePassword = z
  .object({ current: Password, password: Password.openapi({ description: "The new password" }) })
  .openapi("ChangePassword");

export const NewToken = z
  .object({ token: z.string().openapi({ description: "Replaces the token of the request" }) })
  .openapi("NewToken");

export const Session = z
  .object({
    id: SessionId,
    device: z.string().openapi({ example: "Firefox on Windows" }),
    place: z.string().optional().openapi({ example: "Lisbon, Portugal", description: "Where the sign-in came from" }),
    begunAt: Timestamp,
    lastUsedAt: Timestamp.openapi({ description: "Up to six hours too early" }),
    endsAt: Timestamp.openapi({ description: "When it ends unless it is used before" }),
    current: z.boolean().openapi({ description: "Whether it is the session of this request" }),
  })
  .openapi("Session");
export type Session = z.infer<typeof Session>;

export const SessionList = z.object({ items: z.array(Session) }).openapi("SessionList");
export type SessionList = z.infer<typeof SessionList>;
