/** Returns a queue that passes each message to `receive` instead of its consumer. */
export function queueTo(receive: (message: unknown) => void): Queue {
  const metrics = { backlogCount: 0, backlogBytes: 0 };
  const response = Promise.resolve({ metadata: { metrics } });
  return {
    metrics: () => Promise.resolve(metrics),
    send: (message) => {
      receive(message);
      return response;
    },
    sendBatch: (messages) => {
      for (const { body } of messages) receive(body);
      return response;
    },
  };
}
