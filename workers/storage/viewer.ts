import type { PersonId, SessionId } from "../../schema/ids.ts";

/** The signed-in person whom a request acts for. `hasBlocks`: they blocked somebody, or somebody blocked them. */
export type Viewer = { person: PersonId; session: SessionId; hasBlocks: boolean };
