import type { Case, Content } from "../../../schema/api/moderation.ts";
import type { PersonCard } from "../../../schema/api/people.ts";
import type { Decision, ReportReason } from "../../../schema/moderation.ts";
import { counted } from "../../words/counts.ts";
import { DECISIONS, REASONS, THE } from "../../words/moderation.ts";
import { nameOf } from "../../words/names.ts";
import { Time } from "../common/time.tsx";
import { Portrait } from "../people/portrait.tsx";

type Choice = Decision | "restore";
type Props = {
  of: Case;
  choices: Choice[];
  choose: (choice: Choice) => void;
  removePicture: () => void;
  onKey: (event: KeyboardEvent) => void;
};

/** One case in the queue: what was reported, why, how it is now, and what can be decided. */
export function CaseEntry({ of: one, choices, choose, removePicture, onKey }: Props) {
  const { kind, person, post, reports, reasons, words, content, current, edited, openedAt } = one;
  const { appeal, action, reason, inForce } = one;
  const why = Object.entries(reasons).map(([name, times]) => {
    const label = REASONS[name as ReportReason];
    return times > 1 ? `${label} (${times})` : label;
  });
  const title = `${THE[kind]} of ${nameOf(person)}`;
  return (
    <li class="case" tabIndex={0} aria-label={`Case about ${title}`} onKeyDown={onKey}>
      <header class="case-head">
        <Portrait person={person} />
        <div>
          <h2 class="case-title">
            <a href={`/people/${person.handle}`}>{nameOf(person)}</a>
            {kind === "person" ? ": account" : kind === "post" ? ": post" : ": comment"}
          </h2>
          <p class="soft">
            {appeal
              ? "Answered a decision"
              : reports > 0
                ? `Reported by ${counted(reports, "person", "people")}`
                : "Held by a filter"}{" "}
            · <Time at={openedAt} />
          </p>
        </div>
      </header>
      {why.length > 0 && <p>{why.join(", ")}</p>}
      <Shown of={person} content={content} label={edited ? "As it was reported" : undefined} />
      {edited && current && <Shown of={person} content={current} label="Edited since" />}
      {current === null && <p class="soft">It was deleted in the meantime.</p>}
      {words.some((one) => one.words !== "") && (
        <details>
          <summary>What the reports say</summary>
          <ul class="case-words">
            {words.flatMap((one, place) => (one.words === "" ? [] : [<li key={place}>{one.words}</li>]))}
          </ul>
        </details>
      )}
      {action && (
        <p class="soft">
          {inForce ? "In force" : "Last decision"}: {DECISIONS[action]}. {reason}
        </p>
      )}
      {appeal && <blockquote class="case-content">{appeal.text}</blockquote>}
      <div class="buttons">
        {choices.map((choice, place) => (
          <button class="button case-choice" type="button" key={choice} onClick={() => choose(choice)}>
            <kbd>{place + 1}</kbd>
            {DECISIONS[choice]}
          </button>
        ))}
        {current?.picture && (
          <button class="button" type="button" onClick={removePicture}>
            Remove picture
          </button>
        )}
        {post !== undefined && current !== null && (
          <a class="case-link" href={`/posts/${post}`}>
            Open
          </a>
        )}
      </div>
    </li>
  );
}

function Shown({ of, content, label }: { of: PersonCard; content: Content; label: string | undefined }) {
  const { text, name, handle, bio, picture, media = [] } = content;
  return (
    <figure class="case-figure">
      {label !== undefined && <figcaption class="soft">{label}</figcaption>}
      {media.length > 0 && (
        <div class="case-media">
          {media.map(({ id, alt, urls }) =>
            urls ? <img key={id} src={urls.thumb} alt={alt} width={96} height={96} loading="lazy" /> : null,
          )}
        </div>
      )}
      {media.some(({ moving, video }) => moving ?? video) && (
        <p class="soft">Only stills are shown here. Open the post to see the rest.</p>
      )}
      {text !== undefined && text !== "" && <blockquote class="case-content">{text}</blockquote>}
      {picture && <Portrait person={{ ...of, picture }} size="large" />}
      {handle !== undefined && (
        <blockquote class="case-content">
          {name} (@{handle}){bio && <p>{bio}</p>}
        </blockquote>
      )}
    </figure>
  );
}
