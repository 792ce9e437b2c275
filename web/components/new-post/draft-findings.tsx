import type { Media } from "../../../schema/api/media.ts";
import { factsOf, hiddenInWords, motionInWords, removedInWords } from "../../words/media.ts";

/** What inspection removed from a file and, for its author alone, the file's metadata. */
export function DraftFindings({ media }: { media: Media }) {
  const removed = removedInWords(media.details?.removed ?? []);
  const hidden = media.details?.video && hiddenInWords(media.details.video);
  const motion = motionInWords(media.details ?? {});
  return (
    <div class="draft-findings">
      {motion && <p class="note">{motion}</p>}
      {removed && <p class="note">{removed}</p>}
      {hidden && <p class="note">{hidden}</p>}
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
