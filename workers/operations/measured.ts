/** Counts what becomes of the messages of each queue, and how long after they were sent. */
import { measure, saveMeasuresSoon } from "./measures.ts";

type Consumer = (batch: MessageBatch, env: Env, context: ExecutionContext) => Promise<void>;

/** The names of a queue's two measures. The times of what is done are from when it was sent to when it was dealt with. */
export const doneIn = (queue: string): string => `${queue} done`;
export const retriedIn = (queue: string): string => `${queue} retried`;

/** A consumer that is measured. What it does not settle is done when it returns, and retried when it throws. */
export const measured =
  (consume: Consumer): Consumer =>
  async (batch, env, context) => {
    const retried = new Set<string>();
    try {
      await consume(watched(batch, retried), env, context);
    } catch (error) {
      for (const { id } of batch.messages) retried.add(id);
      throw error;
    } finally {
      const now = Date.now();
      const done = batch.messages.filter(({ id }) => !retried.has(id));
      // The two clocks are not one.
      const times = done.map(({ timestamp }) => Math.max(0, now - timestamp.getTime()));
      if (times.length > 0) measure(doneIn(batch.queue), times);
      measure(retriedIn(batch.queue), retried.size);
      saveMeasuresSoon(env, context);
    }
  };

/** `batch`, which notes the messages that are to be tried again. */
function watched(batch: MessageBatch, retried: Set<string>): MessageBatch {
  const messages = batch.messages.map((message) => ({
    id: message.id,
    timestamp: message.timestamp,
    body: message.body,
    attempts: message.attempts,
    ack: () => {
      message.ack();
    },
    retry: (options?: QueueRetryOptions) => {
      retried.add(message.id);
      message.retry(options);
    },
  }));
  return {
    queue: batch.queue,
    metadata: batch.metadata,
    messages,
    ackAll: () => {
      batch.ackAll();
    },
    retryAll: (options) => {
      for (const { id } of messages) retried.add(id);
      batch.retryAll(options);
    },
  };
}
