import type { QueueStatus } from "../../schema/api/status.ts";
import { count } from "../words/counts.ts";
import { durationInWords } from "./durations.ts";

/** For each queue: its backlog, what was processed lately, and with what delay. */
export const Queues = ({ queues, windowSeconds }: { queues: QueueStatus[]; windowSeconds: number }) => (
  <section class="section">
    <h2 id="queues">Queues</h2>
    <div class="table" role="region" aria-labelledby="queues" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col">Waiting</th>
            <th scope="col">Oldest</th>
            <th scope="col">Done</th>
            <th scope="col">Failed</th>
            <th scope="col">Mean delay</th>
            <th scope="col">Longest delay</th>
            <th scope="col">Dead</th>
          </tr>
        </thead>
        <tbody>
          {queues.map((queue) => (
            <Row key={queue.queue} {...queue} />
          ))}
        </tbody>
      </table>
    </div>
    <p class="note">
      Done and failed count the last {durationInWords(windowSeconds * 1000)}. A delay runs from sending a message to
      finishing it; for shutterline-facts, it is how far the database lags behind.
    </p>
  </section>
);

const UNKNOWN = "–";

function Row({ queue, backlog, work, deadLetters }: QueueStatus) {
  const number = (value: number | null | undefined) => (value === null || value === undefined ? UNKNOWN : count(value));
  const time = (ms: number | undefined) => (ms === undefined ? UNKNOWN : durationInWords(ms));
  const oldest = backlog?.oldestSeconds;
  return (
    <tr>
      <th scope="row">{queue}</th>
      <td>{number(backlog?.messages)}</td>
      <td>{time(oldest === undefined ? undefined : oldest * 1000)}</td>
      <td>{number(work?.done)}</td>
      <td class={(work?.retried ?? 0) > 0 ? "danger" : undefined}>{number(work?.retried)}</td>
      <td>{time(work?.delay?.meanMs)}</td>
      <td>{time(work?.delay?.mostMs)}</td>
      <td class={(deadLetters ?? 0) > 0 ? "danger" : undefined}>{number(deadLetters)}</td>
    </tr>
  );
}
