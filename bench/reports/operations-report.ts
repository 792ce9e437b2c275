/** The operations as tables: times compared with limits, counts, and targets. */
import { type Tally, allOf } from "../costs/tally.ts";
import { HERD } from "../measurements/counting.ts";
import type { Beside } from "../measurements/deliveries.ts";
import { LIMITS } from "../measurements/limits.ts";
import { LINES } from "../measurements/lines.ts";
import type { Counted, Measured, Operations } from "../measurements/operations.ts";
import { type Report, short } from "../output/report.ts";
import { LARGE, MIDDLE, SMALL } from "../worlds/scene.ts";

export type Target = { what: string; is: number; atLeast?: number; atMost?: number };

/** A generator that is busy for at least this share of its time may have limited the result. */
const SATURATED = 0.9;
export const DELIVERED_OF_LIMIT = 0.5;
const VISIBLE_WITHIN = 1500; // ms
const DELAYED_BY = 1000; // ms
const HERD_READS = 2;
/** The columns of the table of counts. Columns that are 0 everywhere are left out. */
const COUNTS: [keyof Tally, string][] = [
  ["d1Calls", "D1 queries"],
  ["d1Statements", "statements"],
  ["rowsRead", "rows read"],
  ["rowsWritten", "rows written"],
  ["actorCalls", "actor calls"],
  ["actorRowsWritten", "actor rows written"],
  ["alarms", "alarms"],
  ["kvReads", "KV reads"],
  ["kvWrites", "KV writes"],
  ["bucketWrites", "R2 writes"],
  ["bucketReads", "R2 reads"],
  ["pictures", "pictures"],
  ["cacheReads", "cache reads"],
  ["cacheWrites", "cache writes"],
  ["messages", "messages"],
];

/** Returns the tables of times, counts and targets. */
export function operationsReports(operations: Operations): Report[] {
  const targets = targetsOf(operations);
  return [
    timesReport(operations),
    countsReport(operations),
    {
      title: "Targets",
      table: [
        ["metric", "target", "measured", ""],
        ...targets.map((target) => [
          target.what,
          boundOf(target),
          short(target.is),
          isMet(target) ? "met" : "**missed**",
        ]),
      ],
      notes: [],
      measured: targets,
      wrong: operations.failures,
    },
  ];
}

const boundOf = ({ atLeast, atMost }: Target): string =>
  atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;

export const isMet = ({ is, atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY }: Target): boolean =>
  is >= atLeast && is <= atMost;

/** Returns the line's rate relative to its limit. */
export const ratioOf = ({ timing, limit }: Measured): number => timing.perSecond / limit;

/** Returns the targets of everything that was measured, with the measured values. */
export function targetsOf({ lines, counted, deliveries, visible, visibleSmall, herd }: Operations): Target[] {
  const ratios = lines.flatMap((line) =>
    line.target === undefined
      ? []
      : [{ what: `${line.title}: ratio to ${limitTitle(line)}`, is: ratioOf(line), atLeast: line.target }],
  );
  const counts = counted.flatMap(({ name, title, tallies }) =>
    Object.entries(LINES.find((line) => line.name === name)?.counts ?? {}).map(([kind, atMost]) => ({
      what: `${title}: ${COUNTS.find(([one]) => one === kind)?.[1] ?? kind}`,
      is: tallies.request[kind as keyof Tally],
      atMost,
    })),
  );
  return [
    ...ratios,
    ...counts,
    ...(deliveries
      ? [
          {
            what: "deliveries: ratio to the bare insert",
            is: deliveries.perSecond / deliveries.limit,
            atLeast: DELIVERED_OF_LIMIT,
          },
        ]
      : []),
    ...(visible
      ? [
          {
            what: `publish until visible, ${MIDDLE} followers, during a fan-out to ${LARGE}: p99 in ms`,
            is: visible.besides.p99,
            atMost: VISIBLE_WITHIN,
          },
        ]
      : []),
    ...(visibleSmall
      ? [
          {
            what: `publish until visible, ${SMALL} followers, during a fan-out to ${LARGE}: p99 in ms above the p99 alone`,
            is: visibleSmall.besides.p99 - visibleSmall.alone.p99,
            atMost: DELAYED_BY,
          },
        ]
      : []),
    ...(herd
      ? [
          {
            what: `${HERD} concurrent reads of one cold post: D1 statements, behind all caches`,
            is: herd.request.d1Statements + herd.behind.d1Statements,
            atMost: HERD_READS,
          },
        ]
      : []),
  ];
}

const limitTitle = ({ limited }: Measured): string =>
  limited === "mix" ? "limits of its parts" : LIMITS[limited].title;

function timesReport(operations: Operations): Report {
  const { limits, lines, deliveries, bells, visible, visibleSmall, seconds, graph } = operations;
  const timesOf = ({ timing: { perSecond, open, processor } }: Pick<Measured, "timing">) => [
    short(perSecond),
    short(open.p50),
    short(open.p99),
    short(processor),
  ];
  return {
    title: `Operations compared with the limits of the runtime, ${seconds} s each`,
    table: [
      ["", "requests/s", "p50 ms", "p99 ms", "CPU ms", "limit", "ratio", "target"],
      ...limits.map(({ title, timing }) => [`*limit: ${title}*`, ...timesOf({ timing }), "", "", ""]),
      ...lines.map((line) => [
        line.title,
        ...timesOf(line),
        limitTitle(line),
        ratioOf(line).toFixed(2),
        line.target === undefined ? "" : verdict({ what: "", is: ratioOf(line), atLeast: line.target }),
      ]),
      ...(deliveries
        ? [
            [
              `deliveries to ${deliveries.followers} followers`,
              short(deliveries.perSecond),
              "",
              "",
              "",
              `bare insert, ${short(deliveries.limit)} rows/s`,
              (deliveries.perSecond / deliveries.limit).toFixed(2),
              verdict({ what: "", is: deliveries.perSecond / deliveries.limit, atLeast: DELIVERED_OF_LIMIT }),
            ],
          ]
        : []),
      ...(bells
        ? [
            [
              `notifications of a post, ${bells.followers} followers with a bell`,
              short(bells.perSecond),
              "",
              "",
              "",
              "",
              "",
              "",
            ],
          ]
        : []),
      ...(visibleSmall ? besideRows(SMALL, visibleSmall) : []),
      ...(visible ? besideRows(MIDDLE, visible, { what: "", is: visible.besides.p99, atMost: VISIBLE_WITHIN }) : []),
    ],
    notes: notesOf(operations, graph),
    measured: operations,
    wrong: [],
  };
}

const besideRows = (followers: number, beside: Beside, target?: Target): string[][] =>
  (["alone", "besides"] as const).map((when) => [
    `publish until visible, ${followers} followers, ${when === "alone" ? "alone" : `during a fan-out to ${LARGE}`}`,
    "",
    short(beside[when].p50),
    short(beside[when].p99),
    "",
    `${beside[when].publishes} publishes`,
    "",
    target === undefined || when === "alone" ? "" : verdict(target),
  ]);

const verdict = (target: Target): string => `${boundOf(target)}: ${isMet(target) ? "met" : "**missed**"}`;

function notesOf({ limits, lines, visible, visibleSmall }: Operations, graph: string): string[] {
  const all = [...limits, ...lines];
  const saturated = all.filter(({ timing }) => timing.busy >= SATURATED).map(({ title }) => title);
  const late = Math.max(0, ...all.map(({ timing }) => timing.open.late).filter(Number.isFinite));
  const unseen = [visible, visibleSmall].reduce((sum, one) => sum + (one ? one.alone.late + one.besides.late : 0), 0);
  return [
    `Data: ${graph}`,
    "requests/s is measured at saturation, on 16 connections that never pause (4 for inserts of 1,000 rows). p50 and p99 are measured at half that rate: requests are sent at fixed times, whether or not earlier ones have been answered, and each time counts from when its request was due.",
    "Each ratio compares with the limit that was measured just before, on a bare Worker in the same runtime, so that other load on the machine slows both.",
    "CPU ms is the CPU time per request of all of workerd, databases included, at saturation.",
    "warm: a few people read the same pages again and again, so their documents are in the isolate's memory. cold: each request reads posts and authors that nobody has read since the start, so they are in no memory or cache.",
    `The load generator sent 99 % of the requests that have fixed times within ${short(late)} ms of when they were due.`,
    ...(saturated.length > 0
      ? [
          `The load generator was busy for at least ${SATURATED * 100} % of the time, so these may be faster than shown: ${saturated.join(", ")}.`,
        ]
      : []),
    ...(unseen > 0 ? [`**${unseen} posts did not become visible in time.**`] : []),
  ];
}

function countsReport({ counted, herd }: Operations): Report {
  const all: Counted[] = [
    ...counted,
    ...(herd ? [{ name: "herd", title: `${HERD} concurrent reads of a cold post, in total`, tallies: herd }] : []),
  ];
  const shown = COUNTS.filter(([kind]) => all.some(({ tallies }) => allOf(tallies)[kind] > 0));
  return {
    title: "Calls to other stores per request: by the Worker + by actors and queue consumers",
    table: [
      ["", ...shown.map(([, title]) => title)],
      ...all.map(({ title, tallies: { request, behind } }) => [
        title,
        ...shown.map(([kind]) =>
          behind[kind] > 0 ? `${count(request[kind])} + ${count(behind[kind])}` : count(request[kind]),
        ),
      ]),
    ],
    notes: [
      "Averages, counted on the same product in a separate run, one request at a time. A second number is the work of actors and queue consumers.",
      "A D1 query is one call, whether it carries one statement or a batch. KV reads count keys. Looking up the viewer's session is included.",
    ],
    measured: undefined,
    wrong: [],
  };
}

const count = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));
