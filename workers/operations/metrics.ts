/** Renders the status in the text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/ */
import type { Status } from "../../schema/api/status.ts";

/** A sample in base units, as Prometheus recommends: seconds and plain counts. Unknown values are omitted. */
type Value<T> = (of: T, windowSeconds: number) => number | null | undefined;
type Gauges<T> = Record<string, readonly [help: string, value: Value<T>]>;
type Sample = readonly [labels: string, value: number | null | undefined];

const QUEUE_GAUGES: Gauges<Status["queues"][number]> = {
  queue_backlog_messages: ["Messages waiting in the queue", ({ backlog }) => backlog?.messages],
  queue_backlog_oldest_seconds: ["Age of the oldest waiting message", ({ backlog }) => backlog?.oldestSeconds],
  queue_done_per_second: ["Messages settled per second", ({ work }, window) => work && work.done / window],
  queue_retried_per_second: ["Failed attempts per second", ({ work }, window) => work && work.retried / window],
  queue_delay_mean_seconds: [
    "Mean time from a message being sent to its being settled",
    ({ work }) => work?.delay && work.delay.meanMs / 1000,
  ],
  queue_delay_most_seconds: [
    "Longest time from a message being sent to its being settled",
    ({ work }) => work?.delay && work.delay.mostMs / 1000,
  ],
  dead_letters: ["Dead letters waiting for the operator", ({ deadLetters }) => deadLetters],
};

const EFFECT_GAUGES: Gauges<Status["effects"][number]> = {
  effects_waiting: ["Effects not yet applied", ({ waiting }) => waiting],
  effects_oldest_seconds: ["Age of the oldest effect not yet applied", ({ oldestSeconds }) => oldestSeconds],
  effects_stuck: ["Effects that were sent 20 times or more", ({ stuck }) => stuck],
};

const POST_GAUGES: Gauges<Status["projection"][number]> = {
  posts_behind: ["Posts among the newest 1,000 that are not fully projected", ({ behind }) => behind],
};

/** Renders all metrics. All are gauges: counts are deleted after a day, so there is no total that could only grow. */
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
    ...family(QUEUE_GAUGES, queues, ({ queue }) => `{queue="${queue}"}`),
    ...family(EFFECT_GAUGES, effects, ({ database }) => `{database="${database}"}`),
    ...family(POST_GAUGES, projection, ({ database }) => `{database="${database}"}`),
    gauge("delivered_per_second", "Rows written to feeds and inboxes per second", [
      ['{to="feeds"}', deliveries?.feeds.perSecond],
      ['{to="notifications"}', deliveries?.notifications.perSecond],
    ]),
    gauge("status_problems", "Parts of the status that could not be read", [["", problems.length]]),
  ].join("");
}

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const known = samples.filter(([, value]) => value !== null && value !== undefined);
  if (known.length === 0) return "";
  const lines = known.map(([labels, value]) => `shutterline_${name}${labels} ${value}\n`);
  return `# HELP shutterline_${name} ${help}\n# TYPE shutterline_${name} gauge\n${lines.join("")}`;
}
