/** The status of a deployment, printed to the terminal. */
import type { Status } from "../../schema/api/status.ts";
import type { Operator } from "./operator.ts";

/** Prints the status. Returns the exit code: 1 if something needs the operator, or could not be determined. */
export async function showStatus(operator: Operator): Promise<number> {
  const status = await operator.get<Status>("/v1/admin/status");
  const { queues, effects, projection, deliveries, deadLetters, problems } = status;
  const period = `the last ${status.windowSeconds} s`;
  console.table(
    Object.fromEntries(
      queues.map(({ queue, backlog, work, deadLetters: dead }) => [
        queue,
        {
          waiting: backlog?.messages ?? "?",
          "oldest, s": backlog?.oldestSeconds ?? "",
          done: work?.done ?? "?",
          failed: work?.retried ?? "?",
          "mean delay, ms": work?.delay?.meanMs ?? "",
          "max delay, ms": work?.delay?.mostMs ?? "",
          "dead letters": dead ?? "?",
        },
      ]),
    ),
  );
  for (const { database, waiting, oldestSeconds, mostAttempts, stuck } of effects) {
    const oldest = oldestSeconds === undefined ? "" : `, the oldest for ${oldestSeconds} s`;
    console.log(`${database}: ${waiting} effects waiting${oldest}; at most ${mostAttempts} attempts, ${stuck} stuck`);
  }
  for (const { database, behind, of } of projection)
    console.log(`${database}: ${behind} of the newest ${of} posts are behind their actors`);
  if (deliveries) {
    const { feeds, notifications } = deliveries;
    console.log(`${feeds.rows} feed rows and ${notifications.rows} notification rows written in ${period}`);
  }
  for (const problem of problems) console.log(`Could not be determined: ${problem}`);
  const stuck = effects.reduce((sum, effect) => sum + effect.stuck, 0);
  return problems.length > 0 || stuck > 0 || (deadLetters?.waiting ?? 0) > 0 ? 1 : 0;
}
