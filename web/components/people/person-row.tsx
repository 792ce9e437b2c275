import type { ComponentChildren } from "preact";
import type { PersonCard } from "../../../schema/api/people.ts";
import { nameOf } from "../../words/names.ts";
import { Portrait } from "./portrait.tsx";

/** One person in a list of people, with their buttons as children. */
export const PersonRow = ({ person, children }: { person: PersonCard; children?: ComponentChildren }) => (
  <li class="row">
    <a class="row-person" href={`/people/${person.handle}`}>
      <Portrait person={person} size="medium" />
      <span class="row-names">
        <span class="row-name">{nameOf(person)}</span>
        <span class="soft">@{person.handle}</span>
      </span>
    </a>
    {children}
  </li>
);
