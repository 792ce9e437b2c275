import type { QueueStatus } from "../../schema/api/status.ts";
import { count } from "../words.ts";
import { inWords } from "./durations.ts";

/** What waits in each queue, what was done of it lately, and how late. */
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
            <th scope="col">Longest</th>
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
      Done and failed in the last {inWords(windowSeconds * 1000)}. The delay is from a message being sent to its being
      done: that of shutterline-facts says how late the database is.
    </p>
  </section>
);

const UNKNOWN = "–";

function Row({ queue, backlog, work, deadLetters }: QueueStatus) {
  const number = (value: number | null | undefined) => (value === null || value === undefined ? UNKNOWN : count(value));
  const time = (ms: number | undefined) => (ms === undefined ? UNKNOWN : inWords(ms));
  const oldest = backlog?.oldestSeconds;
  return (
    <tr>
      <th scope="row">{queue}</th>
      <td>{number(backlog?.messages)}</td>
      <td>{time(oldest === undefined ? undefined : oldest * 1000)}</td>
      <td>{number(work?.done)}</td>
      <td class={(work?.retried ?? 0) > 0 ? "grave" : undefined}>{number(work?.retried)}</td>
      <td>{time(work?.delay?.meanMs)}</td>
      <td>{time(work?.delay?.mostMs)}</td>
      <td class={(deadLetters ?? 0) > 0 ? "grave" : undefined}>{number(deadLetters)}</td>
    </tr>
  );
}
