/** How much of everything so many people need, by stated habits. Pure arithmetic. */
import { PLATFORM_LIMITS, STORAGE } from "./prices.ts";

/** What one person does on a day, on average. */
export type Habits = Record<Operation, number> & {
  /** Whom a post reaches, on average over posts: people with many followers post more. */
  followers: number;
  /** The share of these that large authors have, whose posts are merged at read and delivered to nobody. */
  merged: number;
};
export const OPERATIONS = ["feed", "post", "profile", "like", "comment", "publish"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Of one operation and what follows from it; of `deliver`, for one follower. `dollars` for a million. */
export type Unit = { queries: number; messages: number; actorCalls: number; dollars: number };
export type Units = Record<Operation | "deliver", Unit>;

/** One of which `share` costs as `other`. */
export function blended(unit: Unit, other: Unit, share: number): Unit {
  const between = (of: (unit: Unit) => number) => of(unit) * (1 - share) + of(other) * share;
  return {
    queries: between(({ queries }) => queries),
    messages: between(({ messages }) => messages),
    actorCalls: between(({ actorCalls }) => actorCalls),
    dollars: between(({ dollars }) => dollars),
  };
}

export const HABITS: Habits = {
  feed: 20,
  post: 8,
  profile: 4,
  like: 5,
  comment: 0.5,
  publish: 0.2,
  followers: 403,
  merged: 0.5,
};
/** The share of feed and post pages whose documents no cache has. */
export const COLD = 0.02;
/** The busiest second, beside the average one. */
export const PEAK = 3;
/** What D1 keeps of a person, in kB: a full feed, follows both ways, and what a year of these habits leaves. */
export const STORED = { feed: 25, follows: 30, year: 150 } as const;
/** How full a database is planned to be. */
export const FILLED = 0.5;

const DAY = 86_400; // s
const DAYS = 30;
const KB_A_GB = 1e6;

export type Capacity = {
  people: number;
  requests: number;
  deliveries: number;
  queries: number;
  messages: number;
  actorCalls: number;
  stored: number;
  shardsByQueries: number;
  shardsByStorage: number;
  queues: number;
  dollars: { operations: number; deliveries: number; storage: number; all: number };
};

/** Rates are of the busiest second; `stored` is in GB after a year; dollars are for a month. */
export function capacityFor(people: number, habits: Habits, units: Units): Capacity {
  const deliveriesADay = habits.publish * habits.followers * (1 - habits.merged);
  const daily = [
    ...OPERATIONS.map((operation) => ({ times: habits[operation], unit: units[operation] })),
    { times: deliveriesADay, unit: units.deliver },
  ];
  const sum = (of: (unit: Unit) => number) => daily.reduce((all, { times, unit }) => all + times * of(unit), 0);
  const peak = (timesADay: number) => (timesADay * people * PEAK) / DAY;
  const month = (dollarsADay: number) => (dollarsADay * people * DAYS) / 1e6;

  const queries = peak(sum((unit) => unit.queries));
  const messages = peak(sum((unit) => unit.messages));
  const stored = (people * (STORED.feed + STORED.follows + STORED.year)) / KB_A_GB;
  const deliveries = month(deliveriesADay * units.deliver.dollars);
  const all = month(sum((unit) => unit.dollars));
  const storage = stored * STORAGE.dollars;
  return {
    people,
    requests: peak(OPERATIONS.reduce((times, operation) => times + habits[operation], 0)),
    deliveries: peak(deliveriesADay),
    queries,
    messages,
    actorCalls: peak(sum((unit) => unit.actorCalls)),
    stored,
    shardsByQueries: Math.ceil(queries / PLATFORM_LIMITS.databaseQueries.is),
    shardsByStorage: Math.ceil(stored / (PLATFORM_LIMITS.databaseSize.is * FILLED)),
    queues: Math.ceil(messages / PLATFORM_LIMITS.queueMessages.is),
    dollars: { operations: all - deliveries, deliveries, storage, all: all + storage },
  };
}

/** The exercise that interviews ask: everything is pushed to everybody, at every second of the day. */
export const EXERCISE = { postsASecond: 3500, followers: 403 };

export function exerciseOf({ deliver }: Pick<Units, "deliver">): { deliveries: number; dollarsADay: number } {
  const deliveries = EXERCISE.postsASecond * EXERCISE.followers;
  return { deliveries, dollarsADay: (deliveries * DAY * deliver.dollars) / 1e6 };
}
