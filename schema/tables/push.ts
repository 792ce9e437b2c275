import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { PersonId, SessionId } from "../ids.ts";

/** Where a person's browsers take pushes. In the person's shard. */
export const pushSubscriptions = sqliteTable(
  "push_subscriptions",
  {
    person: text().$type<PersonId>().notNull(),
    /** Of the browser's push service. Whoever knows it may try to push there, so it is as secret as a session. */
    endpoint: text().notNull(),
    /** The browser's public key, and the secret it shares with us: base64url, 65 and 16 bytes. */
    p256dh: text().notNull(),
    auth: text().notNull(),
    /** The session it was made in: when that is over, nothing is sent there. */
    session: text().$type<SessionId>().notNull(),
    /** When the browser last said that it is so, in milliseconds since 1970. */
    renewedAt: integer("renewed_at").notNull(),
    /** Since when nothing sent there was taken, likewise; NULL when the last was. */
    failingSince: integer("failing_since"),
  },
  (t) => [
    primaryKey({ columns: [t.person, t.endpoint] }),
    index("push_subscriptions_endpoint").on(t.endpoint), // Whoever subscribes asks whose the browser was before.
  ],
);
