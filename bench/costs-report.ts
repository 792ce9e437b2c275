/** What everything costs: dollars per million operations, and what so many people need. */
import { LOGICAL_SHARDS } from "../schema/ids.ts";
import {
  blended,
  type Capacity,
  capacityFor,
  COLD,
  EXERCISE,
  exerciseOf,
  FILLED,
  HABITS,
  OPERATIONS,
  PEAK,
  STORED,
  type Unit,
  type Units,
} from "./capacity.ts";
import { ACTOR_BUSY, type Bill, billOf, billOfTally, deliveryOf, totalOf } from "./costs.ts";
import { LINES } from "./lines.ts";
import type { Operations } from "./operations.ts";
import { PER_MILLION, PLATFORM_LIMITS, PRICES_OF, STORAGE } from "./prices.ts";
import type { Report } from "./report.ts";
import { SMALL } from "./scene.ts";
import { allOf, type Tallies, type Tally } from "./tally.ts";

const PEOPLE = [14_000_000, 100_000_000];

export function costReports(operations: Operations): Report[] {
  const { bills, units } = unitsOf(operations);
  return [billsReport(bills), capacityReport(units), pricesReport(), limitsReport()];
}

type Billed = { title: string; bill: Bill };

function unitsOf({ counted, lines }: Operations): { bills: Billed[]; units: Units } {
  const talliesOf = (name: string): Tallies => {
    const found = counted.find((one) => one.name === name);
    if (!found) throw new Error(`${name} was not counted`);
    return found.tallies;
  };
  // A line that is only counted takes the time of what it is a kind of: "like-hot" that of "like".
  const processorOf = (name: string): number => {
    const timed = lines.find((line) => line.name === name) ?? lines.find((line) => name.startsWith(`${line.name}-`));
    return timed?.timing.processor ?? 0;
  };
  const billFor = (name: string) => billOf(talliesOf(name), processorOf(name));
  const unit = (name: string) => unitOf(allOf(talliesOf(name)), billFor(name));

  // What was measured may be from before a line was added.
  const known = LINES.filter(({ name }) => counted.some((one) => one.name === name));
  const [toMany, toNobody] = [talliesOf("publish-1000"), talliesOf("publish")];
  const delivery = deliveryOf(toMany, toNobody, SMALL);
  const deliveryBill = billOfTally(delivery);
  return {
    bills: [
      ...known.map(({ name, title }) => ({ title, bill: billFor(name) })),
      { title: `one delivery, of ${SMALL} at once`, bill: deliveryBill },
    ],
    units: {
      feed: blended(unit("feed"), unit("feed-cold"), COLD),
      post: blended(unit("post"), unit("post-cold"), COLD),
      profile: unit("profile"),
      like: unit("like"),
      comment: unit("comment"),
      publish: unit("publish"),
      deliver: unitOf(delivery, deliveryBill),
    },
  };
}

const unitOf = ({ d1Calls, messages, actorCalls }: Tally, bill: Bill): Unit => ({
  queries: d1Calls,
  messages,
  actorCalls,
  dollars: totalOf(bill),
});

function billsReport(bills: readonly Billed[]): Report {
  const rowOf = ({ title, bill }: Billed) => [
    title,
    `**${dollars(totalOf(bill))}**`,
    dollars(bill.requests + bill.processor),
    dollars(bill.rowsRead + bill.rowsWritten),
    dollars(bill.actorRequests + bill.actorTime + bill.actorRowsRead + bill.actorRowsWritten),
    dollars(bill.kvReads + bill.kvWrites),
    dollars(bill.queueOperations),
  ];
  return {
    title: "Dollars for a million",
    table: [["", "all", "Workers", "D1", "actors", "KV", "queues"], ...bills.map(rowOf)],
    notes: [
      "From the counted work of the benchmarks, with all that follows in actors and queues, at list prices; what a plan includes is not taken off.",
      "Workers' CPU is that of the whole local runtime, databases included: an upper bound.",
      `An actor is taken to be at work for ${ACTOR_BUSY * 1000} ms a call or alarm. A consumer's batch is counted as a request.`,
      "Pictures are not in it: R2 and the cache before it serve them, with one Worker request each on a miss.",
    ],
    measured: bills,
    wrong: [],
  };
}

function capacityReport(units: Units): Report {
  const scales = PEOPLE.map((people) => capacityFor(people, HABITS, units));
  const row = (title: string, of: (capacity: Capacity) => string) => [title, ...scales.map(of)];
  const { deliveries, dollarsADay } = exerciseOf(units);
  const habits = OPERATIONS.map((operation) => `${HABITS[operation]} ${operation}`).join(", ");
  return {
    title: "What so many people need",
    table: [
      ["people a day", ...PEOPLE.map(rounded)],
      row("requests a second, at the peak", ({ requests }) => rounded(requests)),
      row("deliveries a second, at the peak", ({ deliveries: pushed }) => rounded(pushed)),
      row("D1 queries a second, at the peak", ({ queries }) => rounded(queries)),
      row("databases, by queries", ({ shardsByQueries }) => rounded(shardsByQueries)),
      row("GB in D1 after a year", ({ stored }) => rounded(stored)),
      row("databases, by size", ({ shardsByStorage }) => rounded(shardsByStorage)),
      row("actor calls a second, at the peak", ({ actorCalls }) => rounded(actorCalls)),
      row("queue messages a second, at the peak", ({ messages }) => rounded(messages)),
      row("queues", ({ queues }) => rounded(queues)),
      row("dollars a month: operations", (capacity) => `$${rounded(capacity.dollars.operations)}`),
      row("dollars a month: deliveries", (capacity) => `$${rounded(capacity.dollars.deliveries)}`),
      row("dollars a month: storage in D1", (capacity) => `$${rounded(capacity.dollars.storage)}`),
      row("**dollars a month**", (capacity) => `**$${rounded(capacity.dollars.all)}**`),
      row(
        "dollars a year for a person",
        (capacity) => `$${((capacity.dollars.all * 12) / capacity.people).toFixed(2)}`,
      ),
    ],
    notes: [
      `A person a day, assumed: ${habits}. A post reaches ${HABITS.followers} followers on average; half of these (${HABITS.merged}) are followers of large authors, whose posts are merged at read and delivered to nobody. The peak is ${PEAK} times the average.`,
      `${COLD * 100} % of the feed and post pages find none of their documents in a cache. A like is one that is alone on its post: the dearer kind.`,
      `In D1, assumed: ${STORED.feed} kB a person for a full feed, ${STORED.follows} kB for follows, ${STORED.year} kB for a year of likes, comments and posts. A database is planned ${FILLED * 100} % full.`,
      `The larger number of databases counts. Ids know ${LOGICAL_SHARDS} logical shards, the most databases there can be.`,
      `D1 keeps ${rounded(PLATFORM_LIMITS.accountStorage.is)} GB an account until Cloudflare raises it.`,
      `Each post has an actor of its own, so actors are as many as posts are at work; only one post is ever too much for one, and likes of it come through gates.`,
      `The exercise: ${rounded(EXERCISE.postsASecond)} posts a second to ${EXERCISE.followers} followers each are ${rounded(deliveries)} deliveries a second. Pushing them all costs $${rounded(dollarsADay)} a day: hence the merging.`,
    ],
    measured: scales,
    wrong: [],
  };
}

const pricesReport = (): Report => ({
  title: `Prices, read on ${PRICES_OF}`,
  table: [
    ["a million", "dollars", "source"],
    ...Object.values(PER_MILLION).map(({ of, dollars, source }) => [of, String(dollars), source]),
    [STORAGE.of, String(STORAGE.dollars), STORAGE.source],
  ],
  notes: ["Storage is for one GB, not a million."],
  measured: PER_MILLION,
  wrong: [],
});

const limitsReport = (): Report => ({
  title: `Limits, read on ${PRICES_OF}`,
  table: [
    ["limit", "is", "source"],
    ...Object.values(PLATFORM_LIMITS).map(({ of, is, source }) => [of, rounded(is), source]),
  ],
  notes: [],
  measured: PLATFORM_LIMITS,
  wrong: [],
});

const dollars = (value: number): string => (value === 0 ? "" : value < 0.01 ? value.toFixed(4) : value.toFixed(2));

const rounded = (value: number): string => Math.round(value).toLocaleString("en-US");
