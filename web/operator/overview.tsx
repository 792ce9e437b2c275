import type { Status } from "../../schema/api/status.ts";
import { Icon } from "../components/icon.tsx";
import { count, counted } from "../words.ts";
import { inWords } from "./durations.ts";

/** What there is to worry about, in four figures, and what could not be found out. */
export function Overview({ status }: { status: Status }) {
  const { deadLetters, effects, projection, deliveries, problems, windowSeconds } = status;
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  const oldest = Math.max(0, ...effects.map(({ oldestSeconds }) => oldestSeconds ?? 0));
  const stuck = sum(effects.map((found) => found.stuck));
  const looked = sum(projection.map(({ of }) => of));
  const dead = deadLetters?.waiting;
  return (
    <section class="overview" aria-label="Overview">
      <dl class="figures">
        <Figure
          name="Dead letters"
          value={dead}
          isGrave={(dead ?? 0) > 0}
          note={dead === 0 ? "Nothing waits for you" : "wait for you, below"}
        />
        <Figure
          name="Effects under way"
          value={effects.length > 0 ? sum(effects.map(({ waiting }) => waiting)) : undefined}
          isGrave={stuck > 0}
          note={
            stuck > 0
              ? `${count(stuck)} stuck`
              : oldest > 0
                ? `the oldest for ${inWords(oldest * 1000)}`
                : "none is stuck"
          }
        />
        <Figure
          name="Posts behind"
          value={projection.length > 0 ? sum(projection.map(({ behind }) => behind)) : undefined}
          note={`of the newest ${count(looked)}`}
        />
        <Figure
          name="Deliveries a second"
          value={deliveries ? deliveries.feeds.perSecond + deliveries.notifications.perSecond : undefined}
          note={
            deliveries
              ? `${counted(deliveries.feeds.rows, "row")} into feeds, ${count(deliveries.notifications.rows)} into notifications in ${inWords(windowSeconds * 1000)}`
              : ""
          }
        />
      </dl>
      <ul class="problems">
        {problems.map((problem) => (
          <li key={problem}>
            <Icon name="warning" />
            Could not find out {problem}
          </li>
        ))}
      </ul>
    </section>
  );
}

type FigureProps = { name: string; value: number | undefined; note: string; isGrave?: boolean };

const Figure = ({ name, value, note, isGrave = false }: FigureProps) => (
  <div class="figure">
    <dt>{name}</dt>
    <dd class={isGrave ? "figure-value figure-grave" : "figure-value"}>
      {value === undefined ? "unknown" : count(value)}
    </dd>
    <dd class="soft">{note}</dd>
  </div>
);
