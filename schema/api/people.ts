import { z } from "@hono/zod-openapi";
import { PersonId } from "../ids.ts";
import { UnreadCount } from "../notifications.ts";
import { BIO, NAME, text } from "../text.ts";
import { page } from "./common.ts";

export const Handle = z
  .string()
  .regex(/^[a-z0-9_]{3,30}$/, { error: "3 to 30 of a to z, 0 to 9 and _" })
  .openapi({ example: "ada" });

/**
 * Length only, as NIST SP 800-63B asks: no rules of composition, nothing cut off. Lone surrogates would all hash alike,
 * and so would a password with NULs at its end: HMAC, of which scrypt is made, fills short keys up with them.
 */
export const Password = z
  .string()
  .min(8)
  .max(256)
  .refine((value) => value.isWellFormed(), { error: "not well-formed Unicode" })
  .refine((value) => !value.includes("\0"), { error: "NUL is not accepted" })
  .openapi({ format: "password" });

/** Who somebody is, wherever a name is shown. */
export const PersonCard = z.object({ id: PersonId, handle: Handle, name: z.string() }).openapi("PersonCard");
export type PersonCard = z.infer<typeof PersonCard>;

export const Profile = PersonCard.extend({
  bio: z.string(),
  posts: z.number().int(),
  followers: z.number().int(),
  following: z.number().int(),
  private: z.boolean().openapi({ description: "Only whom they have accepted sees their posts, and who follows whom" }),
  followedByMe: z.boolean(),
  bellByMe: z.boolean().openapi({ description: "The caller is told of each of their new posts" }),
  requestedByMe: z.boolean().openapi({ description: "The caller has asked to follow them, and waits for an answer" }),
  mutedByMe: z.boolean(),
  blockedByMe: z.boolean().openapi({ description: "Then none of their posts is shown" }),
}).openapi("Profile");
export type Profile = z.infer<typeof Profile>;

export const Me = Profile.omit({
  followedByMe: true,
  requestedByMe: true,
  bellByMe: true,
  mutedByMe: true,
  blockedByMe: true,
})
  .extend({
    unread: UnreadCount,
    requests: z.number().int().openapi({ description: "How many wait to be accepted as followers" }),
  })
  .openapi("Me");
export type Me = z.infer<typeof Me>;

export const SignUp = z.object({ handle: Handle, password: Password, name: text(NAME).optional() }).openapi("SignUp");
export const SignIn = z.object({ handle: Handle, password: Password }).openapi("SignIn");
export const SignedIn = z
  .object({ person: PersonCard, token: z.string().openapi({ description: "For `Authorization: Bearer`" }) })
  .openapi("SignedIn");
export type SignedIn = z.infer<typeof SignedIn>;

export const EditMe = z
  .object({ name: text(NAME).optional(), bio: text(BIO).optional(), private: z.boolean().optional() })
  .openapi("EditMe");

export const Followed = z.object({ followedByMe: z.boolean(), requestedByMe: z.boolean() }).openapi("Followed");
export type Followed = z.infer<typeof Followed>;
export const Belled = z.object({ bellByMe: z.boolean() }).openapi("Belled");
export const FollowsMe = z.object({ followsMe: z.boolean() }).openapi("FollowsMe", {
  description: "Whoever is accepted follows a moment later",
});
export const Muted = z.object({ mutedByMe: z.boolean() }).openapi("Muted");
export type Muted = z.infer<typeof Muted>;
export const Blocked = z.object({ blockedByMe: z.boolean() }).openapi("Blocked");
export const PeoplePage = page(PersonCard).openapi("PeoplePage");
