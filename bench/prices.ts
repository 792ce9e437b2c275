/** What Cloudflare asks for what is counted, and what it limits: list prices beyond what a plan includes, in dollars. */

const DOCS = "https://developers.cloudflare.com";
const WORKERS = `${DOCS}/workers/platform/pricing/`;
const D1 = `${DOCS}/d1/platform/pricing/`;
const KV = `${DOCS}/kv/platform/pricing/`;
const ACTORS = `${DOCS}/durable-objects/platform/pricing/`;
const QUEUES = `${DOCS}/queues/platform/pricing/`;

/** When the sources were read. */
export const PRICES_OF = "2026-11-23";

export type Price = { of: string; dollars: number; source: string };

export const PER_MILLION = {
  requests: { of: "Worker requests", dollars: 0.3, source: WORKERS },
  processor: { of: "ms of a Worker's CPU", dollars: 0.02, source: WORKERS },
  rowsRead: { of: "D1 rows read", dollars: 0.001, source: D1 },
  rowsWritten: { of: "D1 rows written, those of indexes too", dollars: 1, source: D1 },
  actorRequests: { of: "Durable Object requests: calls and alarms", dollars: 0.15, source: ACTORS },
  actorTime: { of: "GB-seconds of Durable Objects at work", dollars: 12.5, source: ACTORS },
  actorRowsRead: { of: "Durable Object rows read", dollars: 0.001, source: ACTORS },
  actorRowsWritten: { of: "Durable Object rows written, alarms that are set too", dollars: 1, source: ACTORS },
  kvReads: { of: "KV keys read", dollars: 0.5, source: KV },
  kvWrites: { of: "KV keys written or deleted", dollars: 5, source: KV },
  queueOperations: { of: "queue operations, of 64 KB each", dollars: 0.4, source: QUEUES },
} as const satisfies Record<string, Price>;

export const STORAGE: Price = { of: "GB of D1, a month", dollars: 0.75, source: D1 };

export type PlatformLimit = { of: string; is: number; source: string };

export const PLATFORM_LIMITS = {
  databaseQueries: {
    of: "queries a second of one database, of 1 ms each",
    is: 1000,
    source: `${DOCS}/d1/platform/limits/`,
  },
  databaseSize: { of: "GB of one database", is: 10, source: `${DOCS}/d1/platform/limits/` },
  databases: { of: "databases of an account", is: 50_000, source: `${DOCS}/d1/platform/limits/` },
  accountStorage: {
    of: "GB of all databases, unless Cloudflare raises it",
    is: 1000,
    source: `${DOCS}/d1/platform/limits/`,
  },
  queueMessages: { of: "messages a second of one queue", is: 5000, source: `${DOCS}/queues/platform/limits/` },
  actorRequests: {
    of: "requests a second of one Durable Object",
    is: 1000,
    source: `${DOCS}/durable-objects/platform/limits/`,
  },
} as const satisfies Record<string, PlatformLimit>;
