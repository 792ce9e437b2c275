import type { z } from "zod";
import { renewShards } from "../../schema/d1/shards.ts";
import { backOff } from "./back-off.ts";
import { ATTEMPTS_MAX, bury } from "./dead-letters.ts";

/** In seconds. */
const BACK_OFF_AT_MOST = 300;

type Handle<T> = (body: T) => Promise<void>;
type Messages = Pick<MessageBatch, "queue" | "messages">;

/**
 * Runs `handle` for each message and settles each by itself, so that one bad message never replays its neighbours. A
 * message that is not of its schema becomes a dead letter at once, since it would never become one; one that has failed
 * ATTEMPTS_MAX times does so then. One after the other, unless `together`: then the whole batch at once, for messages that
 * wait for stores most of their time.
 */
export async function consume<T>(
  batch: Messages,
  env: Env,
  schema: z.ZodType<T>,
  handle: Handle<T>,
  { together = false } = {},
): Promise<void> {
  const settle = (message: Message) => settled(env, batch.queue, message, schema, handle);
  if (together) await Promise.all(batch.messages.map(settle));
  else for (const message of batch.messages) await settle(message);
}

/**
 * As `consume`, for messages that are handled together: all of them at once, and only when that fails each by itself, so
 * that a poisonous one stands alone.
 */
export async function consumeTogether<T>(
  batch: MessageBatch,
  env: Env,
  schema: z.ZodType<T>,
  handle: (bodies: readonly T[]) => Promise<void>,
): Promise<void> {
  const parsed = batch.messages.map((message) => schema.safeParse(message.body));
  const bodies = parsed.flatMap(({ data }) => (data === undefined ? [] : [data]));
  if (bodies.length === parsed.length) {
    try {
      await handle(bodies);
      batch.ackAll();
      return;
    } catch (error) {
      const { queue } = batch;
      console.warn("batch not handled together, trying each", { queue, messages: bodies.length, error: String(error) });
    }
  }
  await consume(batch, env, schema, async (body) => {
    await renewShards(env); // A batch may take longer than a map lasts.
    await handle([body]);
  });
}

/**
 * As `consume`, for messages that are handled together and fail apart: `handle` has a promise for each body, in their order.
 */
export async function consumeApart<T>(
  batch: Messages,
  env: Env,
  schema: z.ZodType<T>,
  handle: (bodies: readonly T[]) => Promise<void>[],
): Promise<void> {
  const parsed = batch.messages.map((message) => schema.safeParse(message.body).data);
  const handled = handle(parsed.filter((body) => body !== undefined));
  const ends = parsed.map((body) => (body === undefined ? undefined : handled.shift()));
  await Promise.all(
    batch.messages.map((message, index) => settled(env, batch.queue, message, schema, async () => ends[index])),
  );
}

async function settled<T>(
  env: Env,
  queue: string,
  message: Message,
  schema: z.ZodType<T>,
  handle: Handle<T>,
): Promise<void> {
  const { id, attempts, body } = message;
  const tryAgain = (error: unknown) => {
    console.error("message failed", { queue, id, attempts, error: String(error) });
    message.retry({ delaySeconds: backOff(attempts, BACK_OFF_AT_MOST) });
  };
  const giveUp = async (reason: string) => {
    try {
      await bury(env, { died: { queue, reason, attempts, at: Date.now() }, body });
      message.ack();
    } catch (error) {
      tryAgain(error); // On the last attempt the platform moves it to the dead letter queue itself.
    }
  };
  const parsed = schema.safeParse(body);
  if (!parsed.success) return giveUp(`It is not of its schema: ${wrongIn(parsed.error)}`);
  try {
    await handle(parsed.data);
    message.ack();
  } catch (error) {
    if (attempts < ATTEMPTS_MAX) tryAgain(error);
    else await giveUp(String(error));
  }
}

/** In one line: where, and what. */
const wrongIn = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ");
