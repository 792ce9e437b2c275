import type { PersonCard } from "../../schema/api/people.ts";

const TONES = 8;

/** Stands for a person who has no picture of their own: the first letter of their name, on a tone that stays theirs. */
export function Monogram({ person, size = "small" }: { person: PersonCard; size?: "small" | "medium" | "large" }) {
  let tone = 0;
  for (const character of person.handle) tone = (tone * 31 + (character.codePointAt(0) ?? 0)) % TONES;
  const [letter = "?"] = nameOf(person);
  return (
    <span class={`monogram monogram-${size} tone-${tone}`} aria-hidden="true">
      {letter.toUpperCase()}
    </span>
  );
}

export const nameOf = ({ name, handle }: PersonCard): string => name || handle;
