import { z } from "zod";

const BACKOFF_AT_MOST = 300;

/**
 * Runs `handle` for each message and settles each by itself, so that one bad message never replays its neighbours. A
 * message that is not of its schema is dropped with its reason: it would never become one. One after the other, unless
 * `together`: then the whole batch at once, for messages that wait for stores most of their time.
 */
export async function consume<T>(
  batch: MessageBatch,
  schema: z.ZodType<T>,
  handle: (body: T) => Promise<void>,
  { together = false } = {},
): Promise<void> {
  const settle = (message: Message) => settled(batch.queue, message, schema, handle);
  if (together) await Promise.all(batch.messages.map(settle));
  else for (const message of batch.messages) await settle(message);
}

async function settled<T>(
  queue: string,
  message: Message,
  schema: z.ZodType<T>,
  handle: (body: T) => Promise<void>,
): Promise<void> {
  const { id, attempts } = message;
  const parsed = schema.safeParse(message.body);
  if (!parsed.success) {
    console.error("message dropped", { queue, id, reason: z.prettifyError(parsed.error) });
    return message.ack();
  }
  try {
    await handle(parsed.data);
    message.ack();
  } catch (error) {
    console.error("message failed", { queue, id, attempts, error: String(error) });
    message.retry({ delaySeconds: Math.min(2 ** attempts, BACKOFF_AT_MOST) });
  }
}
