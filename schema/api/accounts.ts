/** What people manage of their own account: password and sessions. */
import { z } from "@hono/zod-openapi";
import { SessionId } from "../ids.ts";
import { Timestamp } from "./common.ts";
import { Handle, Password } from "./people.ts";

export const ChangePassword = z
  .object({
    current: Password,
    password: Password.openapi({ description: "The new password" }),
    removePasskeys: z.boolean().default(false).openapi({ description: "Whether all passkeys are removed with it" }),
  })
  .openapi("ChangePassword");

export const NewToken = z
  .object({ token: z.string().openapi({ description: "Replaces the token of the request" }) })
  .openapi("NewToken");

/** How many codes a set has. */
export const RECOVERY_CODES = 10;

export const RecoveryCode = z
  .string()
  .max(100)
  .transform((value) => value.toLowerCase().replaceAll(/[\s-]/g, ""))
  .openapi({ example: "8k3f-w2zq-5hmc-9tdr", description: "Case, spaces and hyphens do not matter" });

export const ConfirmPassword = z.object({ password: Password }).openapi("ConfirmPassword");

export const NewRecoveryCodes = z
  .object({ codes: z.array(z.string()).openapi({ description: "Shown only now. Each can be used once" }) })
  .openapi("NewRecoveryCodes");
export type NewRecoveryCodes = z.infer<typeof NewRecoveryCodes>;

export const RecoveryCodesLeft = z
  .object({ left: z.number().int(), madeAt: Timestamp.optional() })
  .openapi("RecoveryCodesLeft");
export type RecoveryCodesLeft = z.infer<typeof RecoveryCodesLeft>;

export const Recover = z
  .object({ handle: Handle, code: RecoveryCode, password: Password.openapi({ description: "The new password" }) })
  .openapi("Recover");

export const UseResetLink = z
  .object({
    link: z.string().max(200).openapi({ description: "What follows the # of the link" }),
    password: Password.openapi({ description: "The new password" }),
  })
  .openapi("UseResetLink");

export const NewResetLink = z.object({ handle: Handle }).openapi("NewResetLink");
export const ResetLink = z
  .object({
    path: z.string().openapi({ example: "/reset#01m3qk7vt4xe9.Zm9v", description: "At the address of the web client" }),
    expiresAt: Timestamp,
  })
  .openapi("ResetLink");
export type ResetLink = z.infer<typeof ResetLink>;

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
