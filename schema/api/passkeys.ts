/**
 * Passkeys (WebAuthn, https://www.w3.org/TR/webauthn-3). Options and responses are the JSON that browsers read and write:
 * `parseCreationOptionsFromJSON`, `parseRequestOptionsFromJSON` and `toJSON` of `PublicKeyCredential`.
 */
import { z } from "@hono/zod-openapi";
import { NAME, personName } from "../text.ts";
import { Timestamp } from "./common.ts";

/** The most passkeys that one person has. */
export const PASSKEYS_MAX = 20;

/** 1,023 bytes, the most that a credential's id may have, in base64url. */
const CREDENTIAL_ID_MAX = 1364;

const base64url = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\w-]+$/, { error: "Must be base64url" });

export const PasskeyId = base64url(CREDENTIAL_ID_MAX).openapi({
  example: "3q2-7w",
  description: "The id of the credential, in base64url",
});

export const PasskeyName = personName(NAME).openapi({ example: "Firefox on Windows" });

export const Passkey = z
  .object({
    id: PasskeyId,
    name: z.string(),
    addedAt: Timestamp,
    usedAt: Timestamp.optional().openapi({ description: "When it last signed in; absent if it never has" }),
  })
  .openapi("Passkey");
export type Passkey = z.infer<typeof Passkey>;

export const PasskeyList = z.object({ items: z.array(Passkey) }).openapi("PasskeyList");
export type PasskeyList = z.infer<typeof PasskeyList>;

export const RenamePasskey = z.object({ name: PasskeyName }).openapi("RenamePasskey");

const Challenge = z.string().openapi({ description: "In base64url. It can be answered once, within five minutes" });
const REQUIRED = z.literal("required");

export const PasskeyCreationOptions = z
  .object({
    rp: z.object({ id: z.string(), name: z.string() }),
    user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
    challenge: Challenge,
    pubKeyCredParams: z.array(z.object({ type: z.literal("public-key"), alg: z.number().int() })),
    timeout: z.number().int(),
    excludeCredentials: z.array(z.object({ type: z.literal("public-key"), id: PasskeyId })),
    authenticatorSelection: z.object({
      residentKey: REQUIRED,
      requireResidentKey: z.literal(true),
      userVerification: REQUIRED,
    }),
    attestation: z.literal("none"),
  })
  .openapi("PasskeyCreationOptions");
export type PasskeyCreationOptions = z.infer<typeof PasskeyCreationOptions>;

export const PasskeyRequestOptions = z
  .object({ challenge: Challenge, rpId: z.string(), timeout: z.number().int(), userVerification: REQUIRED })
  .openapi("PasskeyRequestOptions");
export type PasskeyRequestOptions = z.infer<typeof PasskeyRequestOptions>;

const ClientData = base64url(8192).openapi({ description: "`clientDataJSON`" });

export const NewPasskey = z
  .object({
    credential: z.object({
      id: PasskeyId,
      type: z.literal("public-key"),
      response: z.object({ clientDataJSON: ClientData, attestationObject: base64url(32_768) }),
    }),
    name: PasskeyName.optional().openapi({ description: "If it is absent, the browser and system of the request" }),
  })
  .openapi("NewPasskey");
export type NewPasskey = z.infer<typeof NewPasskey>;

export const PasskeySignIn = z
  .object({
    id: PasskeyId,
    type: z.literal("public-key"),
    response: z.object({
      clientDataJSON: ClientData,
      authenticatorData: base64url(8192),
      signature: base64url(2048),
      userHandle: base64url(100).openapi({ description: "As the authenticator returns it: it names the person" }),
    }),
  })
  .openapi("PasskeySignIn");
export type PasskeySignIn = z.infer<typeof PasskeySignIn>;
