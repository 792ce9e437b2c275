import { MENTION } from "../../schema/mentions.ts";

/** What people write: line breaks as given, and a link where somebody is mentioned. */
export function Prose({ text }: { text: string }) {
  // Split by a pattern with one group, every second part is a handle.
  return (
    <>
      {text.split(MENTION).map((part, place) =>
        place % 2 === 0 ? (
          part
        ) : (
          <a key={place} class="mention" href={`/people/${part.toLowerCase()}`}>
            @{part}
          </a>
        ),
      )}
    </>
  );
}
