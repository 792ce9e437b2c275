import type { z } from "zod";
import { refreshShardMap } from "../../schema/d1/shards.ts";
import { logError, logWarning } from "../../schema/log.ts";
import { backOff } from "./back-off.ts";
import { ATTEMPTS_MAX, keepDeadLetter } from "./dead-letters.ts";

/** The longest delay before a retry, in seconds. */
const BACK_OFF_AT_MOST = 300;

/** Handles one message; throws to have it retried. */
type Handle<T> = (body: T) => Promise<void>;
type Messages = Pick<MessageBatch, "queue" | "messages">;

/**
 * Runs `handle` for each message and settles each on its own, so that one bad message never replays its neighbours. A
 * message that does not match its schema becomes a dead letter at once, since retrying cannot help; any other one does
 * so after ATTEMPTS_MAX failures. Messages run one after the other, or, with `together`, all at once, which suits
 * messages that mostly wait for stores.
 */
export async function consume<T>(
  batch: Messages,
  env: Env,
  schema: z.ZodType<T>,
  handle: Handle<T>,
  { together = false } = {},
): Promise<void> {
  const settle = (message: Message) => settleOne(env, batch.queue, message, schema, handle);
  if (together) await Promise.all(batch.messages.map(settle));
  else for (const message of batch.messages) await settle(message);
}

/**
 * Like `consume`, but passes the whole batch to one call of `handle`. Only if that fails, each message is handled on
 * its own, to isolate a poison message.
 */
export async function consumeBatch<T>(
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
      logWarning("batch not handled together, trying each", {
        queue,
        messages: bodies.length,
        error: String(error),
      });
    }
  }
  await consume(batch, env, schema, async (body) => {
    await refreshShardMap(env); // A batch may outlast the shard map.
    await handle([body]);
  });
}

/**
 * Like `consume`, for messages that are handled together but fail one by one: `handle` returns a promise for each body,
 * in the same order.
 */
export async function consumeEach<T>(
  batch: Messages,
  env: Env,
  schema: z.ZodType<T>,
  handle: (bodies: readonly T[]) => Promise<void>[],
): Promise<void> {
  const parsed = batch.messages.map((message) => schema.safeParse(message.body).data);
  const handled = handle(parsed.filter((body) => body !== undefined));
  const ends = parsed.map((body) => (body === undefined ? undefined : handled.shift()));
  await Promise.all(
    batch.messages.map((message, index) => settleOne(env, batch.queue, message, schema, async () => ends[index])),
  );
}

async function settleOne<T>(
  env: Env,
  queue: string,
  message: Message,
  schema: z.ZodType<T>,
  handle: Handle<T>,
): Promise<void> {
  const { id, attempts, body } = message;
  const tryAgain = (error: unknown) => {
    logError("message failed", { queue, id, attempts, error: String(error) });
    message.retry({ delaySeconds: backOff(attempts, BACK_OFF_AT_MOST) });
  };
  const giveUp = async (reason: string) => {
    try {
      await keepDeadLetter(env, { died: { queue, reason, attempts, at: Date.now() }, body });
      message.ack();
    } catch (error) {
      tryAgain(error); // After the last attempt the platform itself moves it to the dead letter queue.
    }
  };
  const parsed = schema.safeParse(body);
  if (!parsed.success) return giveUp(`It does not match its schema: ${summaryOf(parsed.error)}`);
  try {
    await handle(parsed.data);
    message.ack();
  } catch (error) {
    if (attempts < ATTEMPTS_MAX) tryAgain(error);
    else await giveUp(String(error));
  }
}

/** Describes in one line what is wrong, and where. */
const summaryOf = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ");
