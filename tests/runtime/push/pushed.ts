/** People with browsers and inbox entries, for tests of pushes. */
import { createExecutionContext, createMessageBatch, getQueueResult, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { Notice } from "../../../schema/messages/notices.ts";
import type { PersonId } from "../../../schema/ids.ts";
import type { PushMessage } from "../../../schema/messages/push.ts";
import { d1Of, prepared } from "../stores/d1.ts";
import { notificationStatements } from "../../../workers/notifications/write-notifications.ts";
import { consumePushes } from "../../../workers/push/consumer.ts";
import { sendPushes } from "../../../workers/push/send-pushes.ts";
import type { Someone } from "../world/api.ts";
import type { PushedBrowser } from "./browser.ts";
import { ask, signUp } from "../world/people.ts";
import { pushingEnv, PushServices } from "./push-service.ts";

export type Key = Pick<PushMessage, "recipient" | "kind" | "subject">;

/** Makes a deployment with pushes set up and push services of its own. */
export async function pushWorld() {
  const { env: pushing, messages } = await pushingEnv();
  const services = new PushServices();
  const subscribed = async (someone: Someone, browser: PushedBrowser): Promise<PushedBrowser> => {
    const { token } = someone;
    const response = await ask("PUT", "/v1/push-subscriptions", { token, body: browser.subscription, env: pushing });
    expect(response.status).toBe(204);
    return browser;
  };
  /** Signs up a person with one subscribed browser. */
  const someone = async (): Promise<Someone & { browser: PushedBrowser }> => {
    const person = await signUp();
    return { ...person, browser: await subscribed(person, services.browser()) };
  };
  /** Runs the consumer on messages and returns how many it acknowledged and how many it retries. */
  const consume = async (bodies: readonly unknown[], from: Env = pushing) => {
    const sent = bodies.map((body, index) => ({ id: String(index), timestamp: new Date(), attempts: 1, body }));
    const batch = createMessageBatch("shutterline-pushes", sent);
    const context = createExecutionContext();
    await consumePushes(batch, from, context, services.fetch);
    await waitOnExecutionContext(context);
    const { ackAll, explicitAcks, retryMessages } = await getQueueResult(batch, context);
    return { acked: ackAll ? sent.length : explicitAcks.length, retried: retryMessages.length };
  };
  /** Sends pushes for the entries and consumes the resulting messages, except for delayed ones. */
  const announced = async (...keys: Key[]): Promise<void> => {
    await sendPushes(pushing, keys);
    const [now, later] = [messages.filter(({ delay }) => delay === 0), messages.filter(({ delay }) => delay > 0)];
    messages.splice(0, messages.length, ...later);
    await consume(now.map(({ body }) => body));
  };
  return { env: pushing, messages, services, subscribed, someone, consume, announced };
}

let lastRaised = 1000;

/** Writes one entry into `recipient`'s inbox that says that `actors` have followed them. */
export async function writeFollowNotification(
  recipient: Someone,
  actors: Someone[],
  change: Partial<Notice> = {},
): Promise<Key> {
  lastRaised += 1;
  const ids = actors.map(({ person }) => person.id);
  const [newest] = ids;
  if (!newest) throw new Error("nobody has followed");
  return writeNotification({
    recipient: recipient.person.id,
    kind: "follow",
    subject: newest,
    post: null,
    count: ids.length,
    actors: ids,
    excerpt: null,
    version: lastRaised,
    events: [{ actor: newest, raised: lastRaised }],
    ...change,
  });
}

/** Writes a notification and returns its key. */
export async function writeNotification(notice: Notice): Promise<Key> {
  const database = d1Of(env, notice.recipient);
  await database.batch(
    prepared(database, notificationStatements([{ ...notice, author: notice.recipient, isPrivate: false }])),
  );
  const { recipient, kind, subject } = notice;
  return { recipient, kind, subject };
}

type PushState = { raised: number; seen: number; pushed: number; pushedAt: number; heldUntil: number };

/** Reads the push state of an entry. */
export async function stateOf({ recipient, kind, subject }: Key): Promise<PushState> {
  const row = await d1Of(env, recipient)
    .prepare(
      `SELECT raised, seen, pushed, pushed_at AS pushedAt, push_held_until AS heldUntil FROM notifications
       WHERE recipient = ? AND kind = ? AND subject = ?`,
    )
    .bind(recipient, kind, subject)
    .first<PushState>();
  if (!row) throw new Error(`${recipient} has no such entry`);
  return row;
}

/** Marks everything in the inbox as read. */
export const markInboxRead = async ({ token }: Someone): Promise<void> => {
  const upTo = new Date(Date.now() + 1000).toISOString();
  expect((await ask("POST", "/v1/notifications/read", { token, body: { upTo } })).status).toBe(204);
};

export type DeviceRow = { endpoint: string; failingSince: number | null };

/** Reads the push subscriptions of a person. */
export async function devicesOf(person: PersonId): Promise<DeviceRow[]> {
  const rows = await d1Of(env, person)
    .prepare("SELECT endpoint, failing_since AS failingSince FROM push_subscriptions WHERE person = ?")
    .bind(person)
    .all<DeviceRow>();
  return rows.results;
}
