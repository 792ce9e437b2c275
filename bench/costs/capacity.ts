/** The capacity and cost that a number of people need, given their habits. Pure arithmetic. */
import { PLATFORM_LIMITS, STORAGE } from "./prices.ts";

/** How often one person does each operation per day, on average. */
export type Habits = Record<Operation, number> & {
  /** The followers that a post reaches, averaged over posts: people with many followers post more. */
  followers: number;
  /** The share of these who follow large authors, whose posts are merged at read and not delivered. */
  merged: number;
};
export const OPERATIONS = ["feed", "post", "profile", "like", "comment", "publish"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** The work of one operation and what follows from it. `deliver` is for one follower; `dollars` is per million. */
export type Unit = { queries: number; messages: number; actorCalls: number; dollars: number };
export type Units = Record<Operation | "deliver" | "upload" | "rendition", Unit>;

/** Returns the average of two units, where a `share` of the operations costs `other`. */
export function blended(unit: Unit, other: Unit, share: number): Unit {
  const average = (of: (unit: Unit) => number) => of(unit) * (1 - share) + of(other) * share;
  return {
    queries: average(({ queries }) => queries),
    messages: average(({ messages }) => messages),
    actorCalls: average(({ actorCalls }) => actorCalls),
    dollars: average(({ dollars }) => dollars),
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
/** The pictures of a post, and the renditions that are made of one on demand, on average: larger ones, JPEG and AVIF. */
export const PICTURES = { ofPost: 1.5, onDemand: 1 } as const;
/** The share of feed and post pages that find none of their documents in a cache. */
export const COLD = 0.02;
/** The ratio of the busiest second to the average one. */
export const PEAK = 3;
/** D1 storage per person, in kB: a full feed, follows in both directions, and a year of these habits. */
export const STORED = { feed: 25, follows: 30, year: 150 } as const;
/** The planned fill level of a database. */
export const FILLED = 0.5;

const DAY = 86_400; // s
const DAYS = 30;
const KB_PER_GB = 1e6;

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
  dollars: { operations: number; deliveries: number; pictures: number; storage: number; all: number };
};

/** Returns rates in the busiest second, `stored` in GB after a year, and dollars per month. */
export function capacityFor(people: number, habits: Habits, units: Units): Capacity {
  const dailyDeliveries = habits.publish * habits.followers * (1 - habits.merged);
  const dailyPictures = habits.publish * PICTURES.ofPost;
  const pictures = [
    { times: dailyPictures, unit: units.upload },
    { times: dailyPictures * PICTURES.onDemand, unit: units.rendition },
  ];
  const daily = [
    ...OPERATIONS.map((operation) => ({ times: habits[operation], unit: units[operation] })),
    { times: dailyDeliveries, unit: units.deliver },
    ...pictures,
  ];
  const sum = (of: (unit: Unit) => number) => daily.reduce((all, { times, unit }) => all + times * of(unit), 0);
  const peak = (timesPerDay: number) => (timesPerDay * people * PEAK) / DAY;
  const month = (dollarsPerDay: number) => (dollarsPerDay * people * DAYS) / 1e6;

  const queries = peak(sum((unit) => unit.queries));
  const messages = peak(sum((unit) => unit.messages));
  const stored = (people * (STORED.feed + STORED.follows + STORED.year)) / KB_PER_GB;
  const deliveries = month(dailyDeliveries * units.deliver.dollars);
  const forPictures = month(pictures.reduce((all, { times, unit }) => all + times * unit.dollars, 0));
  const all = month(sum((unit) => unit.dollars));
  const storage = stored * STORAGE.dollars;
  return {
    people,
    requests: peak(OPERATIONS.reduce((times, operation) => times + habits[operation], 0)),
    deliveries: peak(dailyDeliveries),
    queries,
    messages,
    actorCalls: peak(sum((unit) => unit.actorCalls)),
    stored,
    shardsByQueries: Math.ceil(queries / PLATFORM_LIMITS.databaseQueries.is),
    shardsByStorage: Math.ceil(stored / (PLATFORM_LIMITS.databaseSize.is * FILLED)),
    queues: Math.ceil(messages / PLATFORM_LIMITS.queueMessages.is),
    dollars: {
      operations: all - deliveries - forPictures,
      deliveries,
      pictures: forPictures,
      storage,
      all: all + storage,
    },
  };
}

/** A common interview exercise: every post is delivered to every follower, at a constant rate all day. */
export const EXERCISE = { postsPerSecond: 3500, followers: 403 };

/** Returns the deliveries per second of the exercise, and what they cost per day. */
export function exerciseOf({ deliver }: Pick<Units, "deliver">): { deliveries: number; dollarsPerDay: number } {
  const deliveries = EXERCISE.postsPerSecond * EXERCISE.followers;
  return { deliveries, dollarsPerDay: (deliveries * DAY * deliver.dollars) / 1e6 };
}
