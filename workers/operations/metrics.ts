/** The status as Prometheus reads it: https://prometheus.io/docs/instrumenting/exposition_formats/ */
import type { Status } from "../../schema/api/status.ts";

/** In seconds and pieces, as is usual there. Unknown ones are left out. */
type Value<T> = (of: T, windowSeconds: number) => number | null | undefined;
type Gauges<T> = Record<string, readonly [help: string, value: Value<T>]>;
type Sample = readonly [labels: string, value: number | null | undefined];

const OF_A_QUEUE: Gauges<Status["queues"][number]> = {
  queue_backlog_messages: ["Messages that wait", ({ backlog }) => backlog?.messages],
  queue_backlog_oldest_seconds: ["Age of the oldest of them", ({ backlog }) => backlog?.oldestSeconds],
  queue_done_per_second: ["Messages dealt with", ({ work }, window) => work && work.done / window],
  queue_retried_per_second: ["Attempts that failed", ({ work }, window) => work && work.retried / window],
  queue_delay_mean_seconds: ["From being sent to being done", ({ work }) => work?.delay && work.delay.meanMs / 1000],
  queue_delay_most_seconds: ["The longest of these", ({ work }) => work?.delay && work.delay.mostMs / 1000],
  dead_letters: ["Messages that wait for the operator", ({ deadLetters }) => deadLetters],
};

const OF_EFFECTS: Gauges<Status["effects"][number]> = {
  effects_waiting: ["Effects that are not done", ({ waiting }) => waiting],
  effects_oldest_seconds: ["Age of the oldest of them", ({ oldestSeconds }) => oldestSeconds],
  effects_stuck: ["Those that were sent 20 times or more", ({ stuck }) => stuck],
};

const OF_POSTS: Gauges<Status["projection"][number]> = {
  posts_behind: ["Of the newest 1,000 posts, those that are not projected", ({ behind }) => behind],
};

/** Gauges alone: what was counted is forgotten after a day, so no sum grows for ever. */
export function metricsOf(status: Status): string {
  const { queues, effects, projection, deliveries, windowSeconds, problems } = status;
  const family = <T>(gauges: Gauges<T>, all: readonly T[], labelsOf: (of: T) => string) =>
    Object.entries(gauges).map(([name, [help, value]]) =>
      gauge(
        name,
        help,
        all.map((of) => [labelsOf(of), value(of, windowSeconds)]),
      ),
    );
  return [
    ...family(OF_A_QUEUE, queues, ({ queue }) => `{queue="${queue}"}`),
    ...family(OF_EFFECTS, effects, ({ database }) => `{database="${database}"}`),
    ...family(OF_POSTS, projection, ({ database }) => `{database="${database}"}`),
    gauge("delivered_per_second", "Rows put into feeds and notifications", [
      ['{to="feeds"}', deliveries?.feeds.perSecond],
      ['{to="notifications"}', deliveries?.notifications.perSecond],
    ]),
    gauge("status_problems", "What could not be found out", [["", problems.length]]),
  ].join("");
}

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const known = samples.filter(([, value]) => value !== null && value !== undefined);
  if (known.length === 0) return "";
  const lines = known.map(([labels, value]) => `shutterline_${name}${labels} ${value}\n`);
  return `# HELP shutterline_${name} ${help}\n# TYPE shutterline_${name} gauge\n${lines.join("")}`;
}
