/** The operations as tables: times beside limits, counts, and the targets. */
import { HERD } from "./counting.ts";
import type { Beside } from "./deliveries.ts";
import { LIMITS } from "./limits.ts";
import { LINES } from "./lines.ts";
import type { Counted, Measured, Operations } from "./operations.ts";
import { type Report, short } from "./report.ts";
import { LARGE, MIDDLE, SMALL } from "./scene.ts";
import { type Tally, allOf } from "./tally.ts";

export type Target = { what: string; is: number; atLeast?: number; atMost?: number };

/** From this share of its time on, the generator counts as what was measured. */
const SATURATED = 0.9;
export const DELIVERED_OF_LIMIT = 0.5;
const VISIBLE_WITHIN = 2000; // ms
const DELAYED_BY = 1000; // ms
const HERD_READS = 2;
/** Shown of a tally, where anything of it is not 0. */
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
  ["cacheReads", "cache reads"],
  ["cacheWrites", "cache writes"],
  ["messages", "messages"],
];

export function operationsReports(operations: Operations): Report[] {
  const targets = targetsOf(operations);
  return [
    timesReport(operations),
    countsReport(operations),
    {
      title: "Targets",
      table: [
        ["what", "target", "is", ""],
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

export const ratioOf = ({ timing, limit }: Measured): number => timing.perSecond / limit;

export function targetsOf({ lines, counted, deliveries, visible, visibleSmall, herd }: Operations): Target[] {
  const ratios = lines.flatMap((line) =>
    line.target === undefined
      ? []
      : [{ what: `${line.title}: of ${limitTitle(line)}`, is: ratioOf(line), atLeast: line.target }],
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
            what: "deliveries: of the bare insert",
            is: deliveries.perSecond / deliveries.limit,
            atLeast: DELIVERED_OF_LIMIT,
          },
        ]
      : []),
    ...(visible
      ? [
          {
            what: `publish to visible, ${MIDDLE} followers, beside ${LARGE}: p99 in ms`,
            is: visible.besides.p99,
            atMost: VISIBLE_WITHIN,
          },
        ]
      : []),
    ...(visibleSmall
      ? [
          {
            what: `publish to visible, ${SMALL} followers, beside ${LARGE}: p99 in ms above that alone`,
            is: visibleSmall.besides.p99 - visibleSmall.alone.p99,
            atMost: DELAYED_BY,
          },
        ]
      : []),
    ...(herd
      ? [
          {
            what: `${HERD} reads of one cold post at once: D1 statements, which are behind all caches`,
            is: herd.request.d1Statements + herd.behind.d1Statements,
            atMost: HERD_READS,
          },
        ]
      : []),
  ];
}

const limitTitle = ({ limited }: Measured): string =>
  limited === "mix" ? "the limits of its parts" : LIMITS[limited].title;

function timesReport(operations: Operations): Report {
  const { limits, lines, deliveries, bells, visible, visibleSmall, seconds, graph } = operations;
  const timesOf = ({ timing: { perSecond, open, processor } }: Pick<Measured, "timing">) => [
    short(perSecond),
    short(open.p50),
    short(open.p99),
    short(processor),
  ];
  return {
    title: `Operations beside the limits of the runtime, ${seconds} s each`,
    table: [
      ["", "1/s", "p50 ms", "p99 ms", "processor ms", "limit", "ratio", "target"],
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
        ? [[`told of a post, ${bells.followers} followers with a bell`, short(bells.perSecond), "", "", "", "", "", ""]]
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
    `publish to visible, ${followers} followers, ${when === "alone" ? "alone" : `beside a fan-out to ${LARGE}`}`,
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
    `The graph: ${graph}`,
    "1/s is at saturation, 16 connections without a pause (4 for inserts of 1,000 rows). p50 and p99 are at half of that, with requests that come at fixed times whether or not the last was answered; each counts from when it was due.",
    "Each ratio is to its limit as it was just before, on a bare Worker in the same runtime, so that a busy machine slows both.",
    "processor ms: of all of workerd, databases included, for one request at saturation.",
    "warm: read again and again by a few people, so that documents are in the memory of the isolate. cold: each request reads posts and authors that nobody has read since the start, from no memory and no cache.",
    `The generator sent 99 % of the requests of the open loop within ${short(late)} ms of when they were due.`,
    ...(saturated.length > 0
      ? [
          `The generator itself was busy for ${SATURATED * 100} % of the time or more, so there may be more in these: ${saturated.join(", ")}.`,
        ]
      : []),
    ...(unseen > 0 ? [`**${unseen} posts were not visible in time.**`] : []),
  ];
}

function countsReport({ counted, herd }: Operations): Report {
  const all: Counted[] = [
    ...counted,
    ...(herd ? [{ name: "herd", title: `${HERD} reads of a cold post at once, all of them`, tallies: herd }] : []),
  ];
  const shown = COUNTS.filter(([kind]) => all.some(({ tallies }) => allOf(tallies)[kind] > 0));
  return {
    title: "What one asks of other stores, while it is answered + behind it",
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
      "Counted on the same product, each request by itself, in a run of its own; averages. Behind it: what actors and queues' consumers do then.",
      "A D1 query is one call, whether of one statement or a batch. KV reads are keys. The session of who is signed in is among them.",
    ],
    measured: undefined,
    wrong: [],
  };
}

const count = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));
