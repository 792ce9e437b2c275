import type { PersonCard } from "../../../schema/api/people.ts";
import { nameOf } from "../../words/names.ts";

const TONES = 8;

export type Size = "small" | "medium" | "large";

/** Stands for a person without a picture: the first letter of their name, on a tone derived from their handle. */
export function Monogram({ person, size = "small" }: { person: PersonCard; size?: Size }) {
  let tone = 0;
  for (const character of person.handle) tone = (tone * 31 + (character.codePointAt(0) ?? 0)) % TONES;
  const [letter = "?"] = nameOf(person);
  return (
    <span class={`monogram monogram-${size} tone-${tone}`} aria-hidden="true">
      {letter.toUpperCase()}
    </span>
  );
}
