import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { PersonId, SessionId } from "../ids.ts";

/** The devices to which a person's notifications are pushed. In the person's shard. */
export const pushSubscriptions = sqliteTable(
  "push_subscriptions",
  {
    person: text().$type<PersonId>().notNull(),
    /** URL at the push service. Anyone who knows it may try to push there, so it is as secret as a session. */
    endpoint: text().notNull(),
    /** The browser's public key, and the secret it shares with us: 65 and 16 bytes in base64url. */
    p256dh: text().notNull(),
    auth: text().notNull(),
    /** The session in which it was created. After the end of that session nothing is sent here. */
    session: text().$type<SessionId>().notNull(),
    /** When the browser last confirmed the subscription, in ms since 1970. */
    renewedAt: integer("renewed_at").notNull(),
    /** Since when every push has failed, in ms since 1970; NULL if the last one was accepted. */
    failingSince: integer("failing_since"),
  },
  (t) => [
    primaryKey({ columns: [t.person, t.endpoint] }),
    index("push_subscriptions_endpoint").on(t.endpoint), // Subscribing looks up the previous owner.
  ],
);
