import type { PersonId, SessionId } from "../../schema/ids.ts";

/** The signed-in person a request acts for. */
export type Viewer = { person: PersonId; session: SessionId };

/**
 * The result of the check of a session that is valid. `hasBlocks`: the viewer has blocked somebody, or somebody has
 * blocked them. `at`: the bookmark of the state that was read.
 */
export type SessionCheck = { hasBlocks: boolean; at: string | undefined };
