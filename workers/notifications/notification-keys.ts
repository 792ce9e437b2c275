import { rowsOf } from "../../schema/d1/sql.ts";
import { notifications } from "../../schema/tables/notifications.ts";

/** Passes keys of notifications to a statement. */
export const KEYS = rowsOf(notifications, ["recipient", "kind", "subject"]);

/** The key of a notification. Messages carry it, so its subject may be any text. */
export type NotificationKey = Omit<typeof KEYS.Row, "subject"> & { subject: string };

/** Returns the key of a notification without its other fields. */
export const keyOf = ({ recipient, kind, subject }: NotificationKey): NotificationKey => ({ recipient, kind, subject });
