import type { Media } from "../../schema/api/media.ts";
import { factsOf, removedInWords } from "../media-words.ts";

/** What the file had with it that nobody else gets, and for its author alone what it said. */
export function DraftFindings({ media }: { media: Media }) {
  const removed = removedInWords(media.details?.removed ?? []);
  return (
    <div class="draft-findings">
      {removed && <p class="note">{removed}</p>}
      <details>
        <summary>What the file said</summary>
        <dl>
          {factsOf(media).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
    </div>
  );
}
