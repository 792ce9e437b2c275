/**
 * I7: a read with the token of the client's own last write to the post is never older than that write. The reads of one
 * client may go back in time, from the actor to a D1 that is behind it. That is by design, so it is counted, but it is
 * not a violation.
 */
import { type Finding, type History, operationsOn, type ReadOperation } from "../recording/history.ts";

/** Returns the reads that are older than the own write that their token names. */
export const staleOwnReads = (history: History): Finding[] =>
  history.posts.flatMap(({ id }) =>
    operationsOn(history, id, "read").flatMap(({ freshness, answer, client }): Finding[] => {
      if (freshness.kind !== "own" || answer.seq >= freshness.seq) return [];
      return [{ post: id, what: `client ${client} saw seq ${answer.seq} after its own write ${freshness.seq}` }];
    }),
  );

/** Counts the reads that showed a client an older state than its read before. */
export function readsThatWentBack(history: History): number {
  const reads = history.operations.filter((operation): operation is ReadOperation => operation.f === "read");
  const sessions = Map.groupBy(reads, ({ client, post }) => `${client} ${post}`);
  return [...sessions.values()].reduce((count, session) => count + backSteps(session), 0);
}

const backSteps = (session: ReadOperation[]): number =>
  session.filter(({ answer }, index) => answer.seq < (session[index - 1]?.answer.seq ?? 0)).length;
