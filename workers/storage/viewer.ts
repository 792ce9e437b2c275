import type { Role } from "../../schema/moderation.ts";
import type { PersonId, SessionId } from "../../schema/ids.ts";

/** The signed-in person a request acts for. */
export type Viewer = { person: PersonId; session: SessionId };

/**
 * The result of the check of a session that is valid. `hasBlocks`: the viewer has blocked somebody, or somebody has
 * blocked them. `role`: what they may do beyond others; absent for nothing. `at`: the bookmark of the state that was read.
 * `renewal`: the secret that was used, by its hash, is old; it may be renewed unless it was after `before` (ms since 1970).
 */
export type SessionCheck = {
  hasBlocks: boolean;
  role?: Role;
  at: string | undefined;
  renewal?: { hash: string; before: number } | undefined;
};
