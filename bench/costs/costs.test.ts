import { expect, it } from "vitest";
import { blended, capacityFor, exerciseOf, HABITS, type Unit, type Units } from "./capacity.ts";
import { ACTOR_BUSY, billOf, billOfTally, deliveryOf, totalOf } from "./costs.ts";
import { noTally, type Tallies, type Tally } from "./tally.ts";

const tallies = (request: Partial<Tally>, behind: Partial<Tally> = {}): Tallies => ({
  request: { ...noTally(), ...request },
  behind: { ...noTally(), ...behind },
});

it("bills a million feed pages for the request, 5 ms of CPU and 40 rows", () => {
  const bill = billOf(tallies({ d1Calls: 1, rowsRead: 40 }), 5);
  expect(bill).toMatchObject({ requests: 0.3, processor: 0.1, rowsRead: 0.04 });
  expect(totalOf(bill)).toBeCloseTo(0.44);
});

it("bills a like together with the work that follows from it", () => {
  const like = tallies({ actorCalls: 1 }, { actorRowsWritten: 2, alarms: 1, messages: 1, consumed: 1, rowsWritten: 1 });
  expect(billOf(like, 0)).toMatchObject({
    requests: 0.6, // The like and its consumer.
    actorRequests: 0.3,
    actorTime: 2 * ACTOR_BUSY * 0.128 * 12.5,
    actorRowsWritten: 2,
    rowsWritten: 1,
    queueOperations: 3 * 0.4,
  });
});

it("bills KV by key, not by call", () => {
  expect(billOf(tallies({ kvReads: 30, kvWrites: 2 }), 0)).toMatchObject({ kvReads: 15, kvWrites: 10 });
});

it("bills a picture by its objects, and by what Images makes of it", () => {
  const bill = billOf(tallies({ bucketWrites: 1 }, { bucketWrites: 4, bucketReads: 5, pictures: 5 }), 0);
  expect([bill.bucketWrites, bill.pictures]).toEqual([22.5, 2500]);
  expect(bill.bucketReads).toBeCloseTo(1.8);
});

it("bills a delivery as the work that followers add to a publish", () => {
  const toNobody = tallies({ rowsWritten: 4 }, { messages: 2 });
  const toMany = tallies({ rowsWritten: 4 }, { messages: 3, rowsWritten: 1000 });
  const bill = billOfTally(deliveryOf(toMany, toNobody, 1000));
  expect(bill.rowsWritten).toBeCloseTo(1);
  expect(bill.queueOperations).toBeCloseTo(0.0012);
  expect(bill.requests).toBe(0);
});

const unit = (more: Partial<Unit> = {}): Unit => ({ queries: 0, messages: 0, actorCalls: 0, dollars: 0, ...more });
const none: Units = {
  feed: unit(),
  post: unit(),
  profile: unit(),
  like: unit(),
  comment: unit(),
  publish: unit(),
  deliver: unit(),
  upload: unit(),
  rendition: unit(),
};

it("solves the interview exercise: 1.41 million deliveries per second, for 122,000 dollars per day", () => {
  const { deliveries, dollarsPerDay } = exerciseOf({ deliver: unit({ dollars: 1 }) });
  expect(deliveries).toBe(1_410_500);
  expect(dollarsPerDay).toBeCloseTo(121_867, 0);
});

it("averages warm and cold pages by their shares", () => {
  expect(blended(unit({ queries: 1, dollars: 1 }), unit({ queries: 5, dollars: 201 }), 0.02)).toEqual(
    unit({ queries: 1.08, dollars: 5 }),
  );
});

it("bills the pictures of posts, and what is made of them on demand", () => {
  const units = { ...none, upload: unit({ dollars: 2500 }), rendition: unit({ dollars: 500 }) };
  const { dollars } = capacityFor(1_000_000, { ...HABITS, publish: 1 }, units);
  // 30 days, 1.5 pictures a post, one rendition on demand of each.
  expect(dollars.pictures).toBeCloseTo(30 * 1.5 * 3000);
  expect(dollars.operations).toBeCloseTo(0);
  expect(dollars.all).toBeCloseTo(dollars.pictures + dollars.storage);
});

it("plans for the busiest second, and counts the databases needed for queries and for storage", () => {
  const habits = { ...HABITS, feed: 10, publish: 1, followers: 400, merged: 0.5 };
  const units = { ...none, feed: unit({ queries: 2, dollars: 1 }), deliver: unit({ dollars: 1 }) };
  const capacity = capacityFor(864_000, habits, units);
  expect(capacity.queries).toBeCloseTo(600); // 10 feeds x 2 queries x 10 people per second x 3 at peak.
  expect(capacity.deliveries).toBeCloseTo(6000);
  expect(capacity.shardsByQueries).toBe(1);
  expect(capacity.shardsByStorage).toBe(36); // 205 kB per person, in half-full databases of 10 GB.
  expect(capacity.dollars.operations).toBeCloseTo(259.2);
  expect(capacity.dollars.deliveries).toBeCloseTo(5184);
});
