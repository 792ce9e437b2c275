import type { LogEntry } from "../../../schema/api/moderation.ts";
import type { PersonCard } from "../../../schema/api/people.ts";
import { Paged } from "../../components/common/paged.tsx";
import { Empty, RowsSkeleton } from "../../components/common/states.tsx";
import { Time } from "../../components/common/time.tsx";
import { moderationLog } from "../../state/lists.ts";
import { ACTS } from "../../words/moderation.ts";
import { nameOf } from "../../words/names.ts";
import { ModerationFrame } from "./frame.tsx";

const none = (
  <Empty icon="flag" title="Nothing was decided yet">
    <p>Every act of a moderator shows up here, and stays for a year.</p>
  </Empty>
);

/** What moderators have done, newest first. For operators. */
export const ModerationLogPage = () => (
  <ModerationFrame only="operator">
    <Paged list={moderationLog()} waiting={<RowsSkeleton rows={3} />} empty={none}>
      {(items) => (
        <ul>
          {items.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </ul>
      )}
    </Paged>
  </ModerationFrame>
);

function Entry({ entry: { act, actor, person, reason, details, at } }: { entry: LogEntry }) {
  const more = Object.entries(details).map(([name, value]) => `${name}: ${String(value)}`);
  return (
    <li class="row">
      <div class="row-names">
        <p class="row-name">
          {actor ? <PersonLink person={actor} /> : "The operator"} {ACTS[act] ?? act}
          {person && person.id !== actor?.id && (
            <>
              {" "}
              <PersonLink person={person} />
            </>
          )}
        </p>
        {[reason, ...more].filter(Boolean).map((line) => (
          <p key={line}>{line}</p>
        ))}
        <p class="soft">
          <Time at={at} />
        </p>
      </div>
    </li>
  );
}

const PersonLink = ({ person }: { person: PersonCard }) => <a href={`/people/${person.handle}`}>{nameOf(person)}</a>;
