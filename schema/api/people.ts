import { z } from "@hono/zod-openapi";
import { MediaId, PersonId } from "../ids.ts";
import { Role } from "../moderation.ts";
import { UnreadCount } from "../notifications.ts";
import { PASSWORD_MAX, PASSWORD_MIN, passwordLength } from "../passwords.ts";
import { BIO, NAME, personName, text } from "../text.ts";
import { page } from "./common.ts";

export const Handle = z
  .string()
  .regex(/^[a-z0-9_]{3,30}$/, { error: "Use 3 to 30 lowercase letters, digits or underscores" })
  .openapi({ example: "ada" });

/**
 * Passwords are bounded by length only, in code points, as NIST SP 800-63B demands: no composition rules, no truncation.
 * New ones must not be easy to guess (workers/passwords/password-rules.ts). Lone
 * surrogates are rejected because they would all hash alike. NULs are rejected because HMAC, which scrypt builds on,
 * pads short keys with them: a password would hash the same with and without NULs at its end.
 */
export const Password = z
  .string()
  // The cheap check comes first: normalization makes a code unit at most 18 times longer.
  .max(2 * PASSWORD_MAX, { error: `Use at most ${PASSWORD_MAX} characters`, abort: true })
  .refine((value) => passwordLength(value) >= PASSWORD_MIN, { error: `Use at least ${PASSWORD_MIN} characters` })
  .refine((value) => passwordLength(value) <= PASSWORD_MAX, { error: `Use at most ${PASSWORD_MAX} characters` })
  .refine((value) => value.isWellFormed(), { error: "Must be well-formed Unicode" })
  .refine((value) => !value.includes("\0"), { error: "Must not contain NUL characters" })
  .openapi({ type: "string", format: "password", minLength: PASSWORD_MIN, maxLength: PASSWORD_MAX });

/** The short form of a person, shown wherever their name appears. */
export const PersonCard = z
  .object({
    id: PersonId,
    handle: Handle,
    name: z.string(),
    picture: MediaId.optional().openapi({
      description:
        "Their profile picture, at `/media/{picture}/s96` and `/media/{picture}/s192`: squares of 96 and 192 pixels. " +
        "Absent if they have none",
    }),
  })
  .openapi("PersonCard");
export type PersonCard = z.infer<typeof PersonCard>;

export const Profile = PersonCard.extend({
  bio: z.string(),
  posts: z.number().int(),
  followers: z.number().int(),
  following: z.number().int(),
  private: z.boolean().openapi({ description: "Only approved followers can see their posts, followers and following" }),
  followedByMe: z.boolean(),
  bellByMe: z.boolean().openapi({ description: "Whether the viewer is notified of each of their new posts" }),
  requestedByMe: z.boolean().openapi({ description: "Whether the viewer's follow request is waiting for a decision" }),
  mutedByMe: z.boolean(),
  blockedByMe: z
    .boolean()
    .openapi({ description: "Whether the viewer has blocked them. If so, none of their posts is shown" }),
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
    requests: z.number().int().openapi({ description: "Number of follow requests waiting for a decision" }),
    role: Role,
    suspended: z.object({ until: z.iso.datetime().nullable() }).optional().openapi({
      description: "Until when the viewer can write nothing; null: the account is closed. See `/v1/me/decisions`",
    }),
  })
  .openapi("Me");
export type Me = z.infer<typeof Me>;

export const SignUp = z
  .object({ handle: Handle, password: Password, name: personName(NAME).optional() })
  .openapi("SignUp");
export const SignIn = z.object({ handle: Handle, password: Password }).openapi("SignIn");
export const SignedIn = z
  .object({
    person: PersonCard,
    token: z.string().openapi({ description: "Send it as `Authorization: Bearer <token>`" }),
  })
  .openapi("SignedIn");
export type SignedIn = z.infer<typeof SignedIn>;

export const EditMe = z
  .object({
    handle: Handle.optional().openapi({
      description: "Once a day. The former handle leads to the person for 30 days, and nobody else can take it",
    }),
    name: personName(NAME).optional(),
    bio: text(BIO).optional(),
    private: z.boolean().optional(),
  })
  .openapi("EditMe");

export const Followed = z.object({ followedByMe: z.boolean(), requestedByMe: z.boolean() }).openapi("Followed");
export type Followed = z.infer<typeof Followed>;
export const Belled = z.object({ bellByMe: z.boolean() }).openapi("Belled");
export const FollowsMe = z.object({ followsMe: z.boolean() }).openapi("FollowsMe", {
  description: "An accepted follower may take a moment to appear",
});
export const Muted = z.object({ mutedByMe: z.boolean() }).openapi("Muted");
export type Muted = z.infer<typeof Muted>;
export const Blocked = z.object({ blockedByMe: z.boolean() }).openapi("Blocked");
export const PeoplePage = page(PersonCard).openapi("PeoplePage");
