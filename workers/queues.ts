import { z } from "zod";

const BACKOFF_AT_MOST = 300;

/**
 * Runs `handle` for each message and settles each by itself, so that one bad message never replays its neighbours. A
 * message that is not of its schema is dropped with its reason: it would never become one.
 */
export async function consume<T>(batch: MessageBatch, schema: z.ZodType<T>, handle: (body: T) => Promise<void>) {
  for (const message of batch.messages) {
    const parsed = schema.safeParse(message.body);
    if (!parsed.success) {
      console.error("message dropped", { queue: batch.queue, id: message.id, reason: z.prettifyError(parsed.error) });
      message.ack();
      continue;
    }
    try {
      await handle(parsed.data);
      message.ack();
    } catch (error) {
      console.error("message failed", {
        queue: batch.queue,
        id: message.id,
        attempts: message.attempts,
        error: String(error),
      });
      message.retry({ delaySeconds: Math.min(2 ** message.attempts, BACKOFF_AT_MOST) });
    }
  }
}
