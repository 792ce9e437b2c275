/** A queue that hands each message to `receive` instead of its consumer. */
export function queueTo(receive: (message: unknown) => void): Queue {
  const metrics = { backlogCount: 0, backlogBytes: 0 };
  const answer = Promise.resolve({ metadata: { metrics } });
  return {
    metrics: () => Promise.resolve(metrics),
    send: (message) => {
      receive(message);
      return answer;
    },
    sendBatch: (messages) => {
      for (const { body } of messages) receive(body);
      return answer;
    },
  };
}
