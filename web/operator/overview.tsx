import type { Status } from "../../schema/api/status.ts";
import { Icon } from "../components/common/icon.tsx";
import { count, counted } from "../words/counts.ts";
import { durationInWords } from "./durations.ts";

/** The deployment's health in four figures, and the problems found while reading them. */
export function Overview({ status }: { status: Status }) {
  const { deadLetters, effects, projection, deliveries, problems, windowSeconds } = status;
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  const oldest = Math.max(0, ...effects.map(({ oldestSeconds }) => oldestSeconds ?? 0));
  const stuck = sum(effects.map((found) => found.stuck));
  const checked = sum(projection.map(({ of }) => of));
  const dead = deadLetters?.waiting;
  return (
    <section class="overview" aria-label="Overview">
      <dl class="figures">
        <Figure
          name="Dead letters"
          value={dead}
          isAlarming={(dead ?? 0) > 0}
          note={dead === 0 ? "all clear" : "waiting for you below"}
        />
        <Figure
          name="Effects in progress"
          value={effects.length > 0 ? sum(effects.map(({ waiting }) => waiting)) : undefined}
          isAlarming={stuck > 0}
          note={
            stuck > 0
              ? `${count(stuck)} stuck`
              : oldest > 0
                ? `oldest: ${durationInWords(oldest * 1000)}`
                : "none stuck"
          }
        />
        <Figure
          name="Posts behind"
          value={projection.length > 0 ? sum(projection.map(({ behind }) => behind)) : undefined}
          note={`of the newest ${count(checked)}`}
        />
        <Figure
          name="Deliveries per second"
          value={deliveries ? deliveries.feeds.perSecond + deliveries.notifications.perSecond : undefined}
          note={
            deliveries
              ? `${counted(deliveries.feeds.rows, "row")} to feeds, ${count(deliveries.notifications.rows)} to inboxes in ${durationInWords(windowSeconds * 1000)}`
              : ""
          }
        />
      </dl>
      <ul class="problems">
        {problems.map((problem) => (
          <li key={problem}>
            <Icon name="warning" />
            Could not read {problem}
          </li>
        ))}
      </ul>
    </section>
  );
}

type FigureProps = { name: string; value: number | undefined; note: string; isAlarming?: boolean };

const Figure = ({ name, value, note, isAlarming = false }: FigureProps) => (
  <div class="figure">
    <dt>{name}</dt>
    <dd class={isAlarming ? "figure-value figure-danger" : "figure-value"}>
      {value === undefined ? "unknown" : count(value)}
    </dd>
    <dd class="soft">{note}</dd>
  </div>
);
