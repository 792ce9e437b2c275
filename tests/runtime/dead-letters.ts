/** Delivers messages as a queue would, and looks at what has become of those that were given up on. */
import { createExecutionContext, createMessageBatch, getQueueResult, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { DeadLetterPage, DeadLetterSummary, DeadLetterWhole } from "../../schema/api/dead-letters.ts";
import { ask } from "./people.ts";

const ADMIN_TOKEN = "a-secret-of-the-operator";

/** As the operator. `on` has stores that fail, perhaps. */
export const operate = (method: string, path: string, body?: unknown, on: Env = env): Promise<Response> =>
  ask(method, `/v1/admin${path}`, { token: ADMIN_TOKEN, env: { ...on, ADMIN_TOKEN } as Env, body });

type Consumer = (batch: MessageBatch, context: ExecutionContext) => Promise<void>;
type Fate = { acks: string[]; retries: { msgId: string }[] };

/** One batch; the ids of its messages are their places in it. */
export async function deliver(
  queue: string,
  bodies: readonly unknown[],
  consumer: Consumer,
  attempts = 1,
): Promise<Fate> {
  const messages = bodies.map((body, index) => ({ id: String(index), timestamp: new Date(), attempts, body }));
  const batch = createMessageBatch(queue, messages);
  const context = createExecutionContext();
  await consumer(batch, context);
  await waitOnExecutionContext(context);
  const { explicitAcks: acks, retryMessages: retries } = await getQueueResult(batch, context);
  return { acks, retries };
}

/** All letters of a state, page by page. */
export async function allLetters(query = ""): Promise<DeadLetterSummary[]> {
  const all: DeadLetterSummary[] = [];
  let cursor = "";
  do {
    const answer = await operate("GET", `/dead-letters?limit=50${query}${cursor}`);
    const { items, next } = await answer.json<DeadLetterPage>();
    all.push(...items);
    cursor = next === undefined ? "" : `&cursor=${next}`;
  } while (cursor !== "");
  return all;
}

/** The letter about `subject`, whether it waits or was replayed. */
export async function letterAbout(subject: string): Promise<DeadLetterWhole | undefined> {
  for (const state of ["waiting", "replayed"]) {
    const found = (await allLetters(`&state=${state}`)).find((letter) => letter.subject === subject);
    if (found) return (await operate("GET", `/dead-letters/${found.id}`)).json<DeadLetterWhole>();
  }
  return undefined;
}
