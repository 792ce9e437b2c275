/** The limits of the bare runtime on this machine, with which the product is compared. */
import type { Request } from "../load/client.ts";
import type { Scene } from "../worlds/scene.ts";

export type Limit = { title: string; connections: number; requests: (scene: Scene) => Request[] };
export type LimitName = keyof typeof LIMITS;

export const CONNECTIONS = 16;
/** A statement of a thousand rows keeps a database busy for milliseconds, so more connections would only queue. */
const BULK_CONNECTIONS = 4;
export const ROWS_AT_ONCE = 1000;
/** One object per connection, so that no commits are shared, as with likes of different posts. */
const OBJECTS = 16;

const spreadOverObjects = (what: string): Request[] =>
  Array.from({ length: OBJECTS }, (_, object) => ({ method: "GET", path: `/${what}/${object}` }));

export const LIMITS = {
  hello: { title: "hello", connections: CONNECTIONS, requests: () => [{ method: "GET", path: "/hello" }] },
  read: { title: "Durable Object read", connections: CONNECTIONS, requests: () => spreadOverObjects("read") },
  insert: { title: "Durable Object insert", connections: CONNECTIONS, requests: () => spreadOverObjects("insert") },
  query: {
    title: "D1 query of 30 rows",
    connections: CONNECTIONS,
    requests: ({ readers }) => readers.map(({ id }) => ({ method: "GET", path: `/query/${id}` })),
  },
  deliver: {
    title: "D1 insert of 1,000 rows",
    connections: BULK_CONNECTIONS,
    requests: ({ followers, large }) =>
      Array.from({ length: Math.floor(followers.length / ROWS_AT_ONCE) }, (_, page) => {
        const readers = followers.slice(page * ROWS_AT_ONCE, (page + 1) * ROWS_AT_ONCE).map(({ id }) => id);
        return { method: "POST", path: "/deliver", body: { readers, author: large.id } };
      }),
  },
} as const satisfies Record<string, Limit>;
