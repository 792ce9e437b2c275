/**
 * How long a call to a store takes over the network, from two places. These are round trips in ms; the work of the
 * store itself comes on top, since the benchmark runs it. They are given figures, not measured here: a deployment has
 * its own.
 */

/** A store as a request waits for it. A write to KV goes further than a read. */
export type Store = "primary" | "replica" | "actor" | "KV" | "KV write" | "queue" | "cache";
export type Distances = Record<Store, number>;

/**
 * An actor, and the primary of D1, which is one too, live in one data centre. From another continent an example of
 * where.durableobjects.live shows 143 ms to Western Europe, which may only illustrate its format:
 * https://github.com/helloimalastair/where-durableobjects-live/issues/6. An actor stays where it was first asked for:
 * https://developers.cloudflare.com/durable-objects/reference/data-location/
 */
const OTHER_CONTINENT = 150;

/**
 * In their own region, which may still be another city. An assumption: light in fibre needs 10 ms for 1000 km there and
 * back.
 */
const SAME_REGION = 10;

/**
 * D1 keeps one replica in each region, not in each data centre, so the nearest one is about as far as anything in the
 * region. The figure is an assumption; that there is a replica in each region is documented: https://developers.cloudflare.com/d1/best-practices/read-replication/
 */
const REPLICA = 15;

/**
 * KV reads through the data centre's cache and a tier of the region; a key that was read in the region lately takes a
 * few ms: https://blog.cloudflare.com/faster-workers-kv. A key that was never read there goes on to the central stores
 * and takes longer, which is not modelled: https://developers.cloudflare.com/kv/concepts/how-kv-works/
 */
const KV_READ = 10;

/**
 * The median time to send a message: https://blog.cloudflare.com/how-we-built-cloudflare-queues. A queue is close to its
 * senders, wherever they are.
 */
const QUEUE_SEND = 60;

/**
 * The cache lies in the same data centre: https://developers.cloudflare.com/workers/runtime-apis/cache/. People who
 * measure it report 5 to 15 ms for a hit of a large file; a small entry, or a miss, is at the lower end:
 * https://www.answeroverflow.com/m/1406008733749739602
 */
const CACHE = 5;

/** The stores that are equally far from both places. */
const ANYWHERE = {
  KV: KV_READ,
  "KV write": OTHER_CONTINENT, // A write goes to the central stores.
  queue: QUEUE_SEND,
  cache: CACHE,
};

export const PLACES = {
  continent: {
    title: "From another continent",
    distances: { primary: OTHER_CONTINENT, replica: REPLICA, actor: OTHER_CONTINENT, ...ANYWHERE },
  },
  region: {
    title: "From the region of the primary",
    distances: {
      primary: SAME_REGION,
      replica: SAME_REGION, // The nearest copy is then the primary itself.
      actor: SAME_REGION,
      ...ANYWHERE,
    },
  },
} as const satisfies Record<string, { title: string; distances: Distances }>;
export type Place = keyof typeof PLACES;

/**
 * How much later than the primary a replica has a change, in ms: a round trip and a batch. Documentation promises nothing
 * (https://developers.cloudflare.com/d1/best-practices/read-replication/#replica-lag-and-consistency-model), and one
 * measurement between North America and Tokyo found a median of 800 ms and a p99 of 6.1 s
 * (https://news.warptechlab.com/news/206796014). Only a request whose bookmark is younger than this notices.
 */
export const REPLICA_LAG = 250;

/** The variable that tells the Worker its `Place`. */
export const PLACE = "BENCH_PLACE";
/** The header of a response that says what it waited for. */
export const WAITED_FOR = "x-waited-for";
