/** Delivers messages as a queue would, and reads dead letters. */
import { createExecutionContext, createMessageBatch, getQueueResult, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { DeadLetterPage, DeadLetterSummary, DeadLetterDetails } from "../../../schema/api/dead-letters.ts";
import { ask } from "./people.ts";

const ADMIN_TOKEN = "a-secret-of-the-operator";

/** Sends a request as the operator. The stores of `on` may be set to fail. */
export const operate = (method: string, path: string, body?: unknown, on: Env = env): Promise<Response> =>
  ask(method, `/v1/admin${path}`, { token: ADMIN_TOKEN, env: { ...on, ADMIN_TOKEN } as Env, body });

type Consumer = (batch: MessageBatch, context: ExecutionContext) => Promise<void>;
type Fate = { acks: string[]; retries: { msgId: string }[] };

/** Delivers one batch, whose messages have their index as id. */
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

/** Reads all dead letters of a state, page by page. */
export async function allDeadLetters(query = ""): Promise<DeadLetterSummary[]> {
  const all: DeadLetterSummary[] = [];
  let cursor = "";
  do {
    const response = await operate("GET", `/dead-letters?limit=50${query}${cursor}`);
    const { items, next } = await response.json<DeadLetterPage>();
    all.push(...items);
    cursor = next === undefined ? "" : `&cursor=${next}`;
  } while (cursor !== "");
  return all;
}

/** Returns the dead letter about `subject` that waits or was replayed, if any. */
export async function deadLetterAbout(subject: string): Promise<DeadLetterDetails | undefined> {
  for (const state of ["waiting", "replayed"]) {
    const found = (await allDeadLetters(`&state=${state}`)).find((letter) => letter.subject === subject);
    if (found) return (await operate("GET", `/dead-letters/${found.id}`)).json<DeadLetterDetails>();
  }
  return undefined;
}
