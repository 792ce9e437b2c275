import { MENTION } from "../../../schema/mentions.ts";

/** Text that people write: line breaks are kept, and mentions are links. */
export function Prose({ text }: { text: string }) {
  // MENTION has one group, so every second part of the split is a handle.
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
