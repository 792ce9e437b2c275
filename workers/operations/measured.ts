/** Counts how the messages of each queue are settled, and how long after they were sent. */
import { measure, saveMeasuresSoon } from "./measures.ts";

type Consumer = (batch: MessageBatch, env: Env, context: ExecutionContext) => Promise<void>;

/** Names of a queue's two measures. The times of `done` run from a message being sent to its being settled. */
export const doneIn = (queue: string): string => `${queue} done`;
export const retriedIn = (queue: string): string => `${queue} retried`;

/**
 * Wraps a consumer so that its messages are counted. Messages that it does not settle count as done when it returns,
 * and as retried when it throws.
 */
export const measured =
  (consume: Consumer): Consumer =>
  async (batch, env, context) => {
    const retried = new Set<string>();
    try {
      await consume(observed(batch, retried), env, context);
    } catch (error) {
      for (const { id } of batch.messages) retried.add(id);
      throw error;
    } finally {
      const now = Date.now();
      const done = batch.messages.filter(({ id }) => !retried.has(id));
      // The sender's clock may be ahead of ours.
      const times = done.map(({ timestamp }) => Math.max(0, now - timestamp.getTime()));
      if (times.length > 0) measure(doneIn(batch.queue), times);
      measure(retriedIn(batch.queue), retried.size);
      saveMeasuresSoon(env, context);
    }
  };

/** Returns a view of `batch` that adds the ids of retried messages to `retried`. */
function observed(batch: MessageBatch, retried: Set<string>): MessageBatch {
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
