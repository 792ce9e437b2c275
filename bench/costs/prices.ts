/** Cloudflare's prices and limits: list prices in dollars, for usage beyond what a plan includes. */

const DOCS = "https://developers.cloudflare.com";
const WORKERS = `${DOCS}/workers/platform/pricing/`;
const D1 = `${DOCS}/d1/platform/pricing/`;
const KV = `${DOCS}/kv/platform/pricing/`;
const ACTORS = `${DOCS}/durable-objects/platform/pricing/`;
const R2 = `${DOCS}/r2/pricing/`;
const IMAGES = `${DOCS}/images/pricing/`;
const QUEUES = `${DOCS}/queues/platform/pricing/`;

/** The date on which the sources were read. */
export const PRICES_OF = "2026-11-23";

export type Price = { of: string; dollars: number; source: string };

export const PER_MILLION = {
  requests: { of: "Worker requests", dollars: 0.3, source: WORKERS },
  processor: { of: "ms of Worker CPU time", dollars: 0.02, source: WORKERS },
  rowsRead: { of: "D1 rows read", dollars: 0.001, source: D1 },
  rowsWritten: { of: "D1 rows written, including index rows", dollars: 1, source: D1 },
  actorRequests: { of: "Durable Object requests (calls and alarms)", dollars: 0.15, source: ACTORS },
  actorTime: { of: "GB-seconds of active Durable Objects", dollars: 12.5, source: ACTORS },
  actorRowsRead: { of: "Durable Object rows read", dollars: 0.001, source: ACTORS },
  actorRowsWritten: { of: "Durable Object rows written, including alarms set", dollars: 1, source: ACTORS },
  kvReads: { of: "KV keys read", dollars: 0.5, source: KV },
  kvWrites: { of: "KV keys written or deleted", dollars: 5, source: KV },
  bucketWrites: { of: "R2 operations of class A (write, list)", dollars: 4.5, source: R2 },
  bucketReads: { of: "R2 operations of class B (read)", dollars: 0.36, source: R2 },
  pictures: { of: "pictures made by Images", dollars: 500, source: IMAGES },
  queueOperations: { of: "queue operations, of up to 64 KB each", dollars: 0.4, source: QUEUES },
} as const satisfies Record<string, Price>;

export const STORAGE: Price = { of: "GB of D1 storage, per month", dollars: 0.75, source: D1 };

export type PlatformLimit = { of: string; is: number; source: string };

export const PLATFORM_LIMITS = {
  databaseQueries: {
    of: "queries per second of one database, at 1 ms each",
    is: 1000,
    source: `${DOCS}/d1/platform/limits/`,
  },
  databaseSize: { of: "GB per database", is: 10, source: `${DOCS}/d1/platform/limits/` },
  databases: { of: "databases per account", is: 50_000, source: `${DOCS}/d1/platform/limits/` },
  accountStorage: {
    of: "GB of D1 storage per account, unless Cloudflare raises it",
    is: 1000,
    source: `${DOCS}/d1/platform/limits/`,
  },
  queueMessages: { of: "messages per second of one queue", is: 5000, source: `${DOCS}/queues/platform/limits/` },
  actorRequests: {
    of: "requests per second of one Durable Object",
    is: 1000,
    source: `${DOCS}/durable-objects/platform/limits/`,
  },
} as const satisfies Record<string, PlatformLimit>;
