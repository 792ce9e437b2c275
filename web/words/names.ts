import type { PersonCard } from "../../schema/api/people.ts";

/** The name to show for a person: their handle when they have none. */
export const nameOf = ({ name, handle }: PersonCard): string => name || handle;
