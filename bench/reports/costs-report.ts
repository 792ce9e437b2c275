/** Costs as tables: dollars per million operations, and the capacity that a number of people need. */
import { LOGICAL_SHARDS } from "../../schema/ids.ts";
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
  PICTURES,
  STORED,
  type Unit,
  type Units,
} from "../costs/capacity.ts";
import { ACTOR_BUSY, type Bill, billOf, billOfTally, deliveryOf, totalOf } from "../costs/costs.ts";
import { PER_MILLION, PLATFORM_LIMITS, PRICES_OF, STORAGE } from "../costs/prices.ts";
import { allOf, noTally, type Tallies, type Tally } from "../costs/tally.ts";
import { LINES } from "../measurements/lines.ts";
import type { Operations } from "../measurements/operations.ts";
import type { Report } from "../output/report.ts";
import { SMALL } from "../worlds/scene.ts";

const PEOPLE = [14_000_000, 100_000_000];

/** What making a rendition on demand costs besides its request. A test of workers/media/serving counts the same. */
const ON_DEMAND: Tally = { ...noTally(), d1Calls: 1, rowsWritten: 2, bucketReads: 4, bucketWrites: 1, pictures: 1 };

/** Returns the tables of costs, capacity, prices and limits. */
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
  // A line that is only counted uses the CPU time of its base operation: "like-hot" that of "like".
  const processorOf = (name: string): number => {
    const timed = lines.find((line) => line.name === name) ?? lines.find((line) => name.startsWith(`${line.name}-`));
    return timed?.timing.processor ?? 0;
  };
  const billFor = (name: string) => billOf(talliesOf(name), processorOf(name));
  const unit = (name: string) => unitOf(allOf(talliesOf(name)), billFor(name));

  // The saved measurements may be older than a line.
  const known = LINES.filter(({ name }) => counted.some((one) => one.name === name));
  const [toMany, toNobody] = [talliesOf("publish-1000"), talliesOf("publish")];
  const delivery = deliveryOf(toMany, toNobody, SMALL);
  const deliveryBill = billOfTally(delivery);
  const renditionBill = billOfTally(ON_DEMAND);
  return {
    bills: [
      ...known.map(({ name, title }) => ({ title, bill: billFor(name) })),
      { title: `one delivery, in a batch of ${SMALL}`, bill: deliveryBill },
      { title: "one rendition made on demand: a larger one, an AVIF or a JPEG", bill: renditionBill },
    ],
    units: {
      feed: blended(unit("feed"), unit("feed-cold"), COLD),
      post: blended(unit("post"), unit("post-cold"), COLD),
      profile: unit("profile"),
      like: unit("like"),
      comment: unit("comment"),
      publish: unit("publish"),
      deliver: unitOf(delivery, deliveryBill),
      upload: unit("upload"),
      rendition: unitOf(ON_DEMAND, renditionBill),
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
    dollars(bill.bucketReads + bill.bucketWrites),
    dollars(bill.pictures),
    dollars(bill.queueOperations),
  ];
  return {
    title: "Dollars per million operations",
    table: [["", "total", "Workers", "D1", "actors", "KV", "R2", "Images", "queues"], ...bills.map(rowOf)],
    notes: [
      "Computed from the work that the benchmarks count, including what follows in actors and queues, at list prices. The usage that a plan includes is not deducted.",
      "The CPU time of Workers is an upper bound: it is that of the whole local runtime, databases included.",
      `An actor is assumed to be active for ${ACTOR_BUSY * 1000} ms per call or alarm. A batch of a queue consumer counts as one request.`,
      "Images is billed for each picture that it makes: four renditions and the placeholder at the upload of a picture, two squares for a profile picture, and one for each rendition that is made on demand, once. AVIF can be switched off or left to popular pictures (AVIF_FROM); a transparent picture as JPEG takes two.",
      "Serving a picture is not included: R2 and the cache in front of it serve it, with one Worker request and one read of R2 per miss.",
    ],
    measured: bills,
    wrong: [],
  };
}

function capacityReport(units: Units): Report {
  const scales = PEOPLE.map((people) => capacityFor(people, HABITS, units));
  const row = (title: string, of: (capacity: Capacity) => string) => [title, ...scales.map(of)];
  const { deliveries, dollarsPerDay } = exerciseOf(units);
  const habits = OPERATIONS.map((operation) => `${HABITS[operation]} ${operation}`).join(", ");
  return {
    title: "Capacity and costs by number of people",
    table: [
      ["daily active people", ...PEOPLE.map(rounded)],
      row("requests per second, at peak", ({ requests }) => rounded(requests)),
      row("deliveries per second, at peak", ({ deliveries: pushed }) => rounded(pushed)),
      row("D1 queries per second, at peak", ({ queries }) => rounded(queries)),
      row("databases needed for the queries", ({ shardsByQueries }) => rounded(shardsByQueries)),
      row("GB in D1 after a year", ({ stored }) => rounded(stored)),
      row("databases needed for the storage", ({ shardsByStorage }) => rounded(shardsByStorage)),
      row("actor calls per second, at peak", ({ actorCalls }) => rounded(actorCalls)),
      row("queue messages per second, at peak", ({ messages }) => rounded(messages)),
      row("queues needed", ({ queues }) => rounded(queues)),
      row("dollars per month: operations", (capacity) => `$${rounded(capacity.dollars.operations)}`),
      row("dollars per month: deliveries", (capacity) => `$${rounded(capacity.dollars.deliveries)}`),
      row("dollars per month: pictures", (capacity) => `$${rounded(capacity.dollars.pictures)}`),
      row("dollars per month: D1 storage", (capacity) => `$${rounded(capacity.dollars.storage)}`),
      row("**dollars per month, total**", (capacity) => `**$${rounded(capacity.dollars.all)}**`),
      row(
        "dollars per person and year",
        (capacity) => `$${((capacity.dollars.all * 12) / capacity.people).toFixed(2)}`,
      ),
    ],
    notes: [
      `Assumed per person and day: ${habits}. A post reaches ${HABITS.followers} followers on average; ${HABITS.merged * 100} % of these follow large authors, whose posts are merged at read and not delivered. The peak is ${PEAK} times the average.`,
      `${COLD * 100} % of the feed and post pages find none of their documents in a cache. All likes are priced as likes on quiet posts, the more expensive kind.`,
      `Assumed ${PICTURES.ofPost} pictures a post, and ${PICTURES.onDemand} rendition made on demand of each. Storage in R2 is not included.`,
      `Assumed D1 storage per person: ${STORED.feed} kB for a full feed, ${STORED.follows} kB for follows, ${STORED.year} kB for a year of likes, comments and posts. Databases are planned to be ${FILLED * 100} % full.`,
      `The larger of the two numbers of databases applies. Ids have ${LOGICAL_SHARDS} logical shards, so there can be no more databases than that.`,
      `D1 stores ${rounded(PLATFORM_LIMITS.accountStorage.is)} GB per account unless Cloudflare raises the limit.`,
      `Each post has its own actor, so there are as many active actors as active posts. Only a hot post can overload its actor, so its likes go through gates.`,
      `A common interview exercise: ${rounded(EXERCISE.postsPerSecond)} posts per second to ${EXERCISE.followers} followers each are ${rounded(deliveries)} deliveries per second. They would cost $${rounded(dollarsPerDay)} per day, which is why the posts of large authors are merged at read.`,
    ],
    measured: scales,
    wrong: [],
  };
}

const pricesReport = (): Report => ({
  title: `Prices, as of ${PRICES_OF}`,
  table: [
    ["per million", "dollars", "source"],
    ...Object.values(PER_MILLION).map(({ of, dollars, source }) => [of, String(dollars), source]),
    [STORAGE.of, String(STORAGE.dollars), STORAGE.source],
  ],
  notes: ["The price of storage is for one GB, not a million."],
  measured: PER_MILLION,
  wrong: [],
});

const limitsReport = (): Report => ({
  title: `Limits, as of ${PRICES_OF}`,
  table: [
    ["limit", "value", "source"],
    ...Object.values(PLATFORM_LIMITS).map(({ of, is, source }) => [of, rounded(is), source]),
  ],
  notes: [],
  measured: PLATFORM_LIMITS,
  wrong: [],
});

const dollars = (value: number): string => (value === 0 ? "" : value < 0.01 ? value.toFixed(4) : value.toFixed(2));

const rounded = (value: number): string => Math.round(value).toLocaleString("en-US");
