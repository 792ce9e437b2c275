import type { Media } from "../../../schema/api/media.ts";
import { factsOf, removedInWords } from "../../words/media.ts";

/** What inspection removed from a file and, for its author alone, the file's metadata. */
export function DraftFindings({ media }: { media: Media }) {
  const removed = removedInWords(media.details?.removed ?? []);
  return (
    <div class="draft-findings">
      {removed && <p class="note">{removed}</p>}
      <details>
        <summary>File details</summary>
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
