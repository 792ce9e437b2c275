import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { NotificationPage } from "../../schema/api/notifications.ts";
import { newId, type PersonId, type PostId } from "../../schema/ids.ts";
import type { Notice } from "../../schema/messages/notices.ts";
import type { NotificationKind } from "../../schema/notifications.ts";
import { recordQueues } from "../../tests/runtime/queues/facts.ts";
import { d1Of, prepared } from "../../tests/runtime/stores/d1.ts";
import { metered } from "../../tests/runtime/stores/metered.ts";
import { projectAll, publish, type Someone, succeed } from "../../tests/runtime/world/api.ts";
import { ask, makePrivate, signUp } from "../../tests/runtime/world/people.ts";
import { newPerson, writeFollow } from "../../tests/runtime/world/posts.ts";
import { settleEffects } from "../../tests/runtime/world/effects.ts";
import { newReader, ringAll } from "../../tests/runtime/world/readers.ts";
import { bellStatements } from "./bell-notifications.ts";
import { KEPT_FROM_FOLLOWED, KEPT_FROM_ONE, KEPT_FROM_OTHERS, trimInboxStatements } from "./inbox-limit.ts";
import { notificationStatements } from "./write-notifications.ts";

beforeEach(() => {
  vi.spyOn(Math, "random").mockReturnValue(0); // Each batch trims.
});
afterEach(() => {
  vi.restoreAllMocks();
});

let subjects = 0;
const nextSubject = (): PostId => {
  subjects += 1;
  return newId<PostId>(0, Date.now() + subjects, 0);
};

type Raised = Partial<Notice> & { actors: PersonId[] };

/** Writes notifications about `post` that each person of `actors[0]` has raised, as the projector does. */
async function raise({ person }: Pick<Someone, "person">, post: PostId, notices: readonly Raised[], at = Date.now()) {
  const database = d1Of(env, person.id);
  const full = notices.map((notice) => ({
    recipient: person.id,
    kind: "mention" as const,
    subject: nextSubject(),
    post,
    count: notice.actors.length,
    excerpt: "Look",
    version: 2,
    events: [{ actor: notice.actors[0] as PersonId, raised: at }],
    author: person.id,
    isPrivate: false,
    ...notice,
  }));
  for (let first = 0; first < full.length; first += 50) {
    const some = full.slice(first, first + 50);
    const statements = [...notificationStatements(some, at + first), ...trimInboxStatements([person.id])];
    await database.batch(prepared(database, statements));
  }
  return full;
}

const inboxOf = async (someone: Someone): Promise<NotificationPage> => {
  const items: NotificationPage["items"] = [];
  for (let cursor = ""; ;) {
    const page = await (await succeed("GET", `/v1/notifications?limit=50${cursor}`, someone)).json<NotificationPage>();
    items.push(...page.items);
    if (page.next === undefined) return { items, unread: page.unread };
    cursor = `&cursor=${page.next}`;
  }
};
const from = ({ items }: NotificationPage, ...people: { id: PersonId }[]) =>
  items.filter(({ actors }) => people.some(({ id }) => actors[0]?.id === id)).length;

/** Ada follows ben and not cleo, and both have raised ten notifications; dan has asked to follow her. */
async function fullInbox() {
  const queues = recordQueues();
  const [ada, ben, cleo, dan, mallory] = (await Promise.all(Array.from({ length: 5 }, () => signUp()))) as [
    Someone,
    Someone,
    Someone,
    Someone,
    Someone,
  ];
  const post = (await publish(ada)).id;
  await projectAll(queues, post);
  await writeFollow(ada.person.id, ben.person.id);
  await makePrivate(ada.person);
  await ask("PUT", `/v1/people/${ada.person.handle}/follow`, { token: dan.token });
  await settleEffects(env, [dan.person.id]);
  await makePrivate(ada.person, false);
  const earlier = Date.now() - 1_000_000;
  for (const { person } of [ben, cleo]) {
    await raise(
      ada,
      post,
      Array.from({ length: 10 }, () => ({ actors: [person.id] })),
      earlier,
    );
  }
  expect(from(await inboxOf(ada), ben.person, cleo.person, dan.person)).toBe(21);
  return { ada, ben, cleo, dan, mallory, post };
}

it("keeps everybody else's notifications when a stranger publishes 1,060 posts that mention somebody", async () => {
  const { ada, ben, cleo, dan, mallory, post } = await fullInbox();
  await raise(
    ada,
    post,
    Array.from({ length: 1060 }, () => ({ actors: [mallory.person.id] })),
  );
  const flooded = await inboxOf(ada);
  expect(from(flooded, ben.person, cleo.person, dan.person)).toBe(21);
  expect(from(flooded, mallory.person)).toBe(KEPT_FROM_ONE);
  expect(flooded.unread).toBe(21 + KEPT_FROM_ONE);
  await ask("PUT", `/v1/people/${mallory.person.handle}/block`, { token: ada.token });
  const blocked = await inboxOf(ada);
  expect([blocked.items.length, blocked.unread]).toEqual([21, 21]);
});

it("keeps sign-ins and decisions of moderators, whatever all strangers together do", async () => {
  const [ada, reader] = [await signUp(), await signUp()];
  const post = (await publish(ada)).id;
  const add = d1Of(env, ada.person.id).prepare(
    `INSERT INTO notifications (recipient, kind, subject, actors, count, version, raised, at)
     VALUES (?1, ?2, ?3, json_array(?4), 1, 1, 1, ?5)`,
  );
  const earlier = Date.now() - 1_000_000;
  for (const [kind, by] of [
    ["new_device", ada.person.id],
    ["moderation", reader.person.id],
  ] as const) {
    await add.bind(ada.person.id, kind, nextSubject(), by, earlier).run();
  }
  const strangers = Array.from({ length: KEPT_FROM_OTHERS + 100 }, newPerson);
  await raise(
    ada,
    post,
    strangers.map((stranger) => ({ actors: [stranger] })),
  );
  const { results } = await d1Of(env, ada.person.id)
    .prepare("SELECT kind, count(*) AS number FROM notifications WHERE recipient = ? GROUP BY kind ORDER BY kind")
    .bind(ada.person.id)
    .all();
  expect(results).toEqual([
    { kind: "mention", number: KEPT_FROM_OTHERS },
    { kind: "moderation", number: 1 },
    { kind: "new_device", number: 1 },
  ]);
});

it("keeps what comes from people one follows, and requests, whatever all strangers together do", async () => {
  const { ada, ben, dan, post } = await fullInbox();
  const strangers = Array.from({ length: 400 }, newPerson);
  await raise(
    ada,
    post,
    strangers.flatMap((person) => Array.from({ length: 3 }, () => ({ actors: [person] }))),
  );
  const flooded = await inboxOf(ada);
  expect(from(flooded, ben.person, dan.person)).toBe(11);
  const { results } = await d1Of(env, ada.person.id)
    .prepare("SELECT kind, followed_at FROM notifications WHERE recipient = ?")
    .bind(ada.person.id)
    .all<{ kind: string; followed_at: number }>();
  expect(results.filter((row) => row.kind === "mention" && row.followed_at === 0)).toHaveLength(KEPT_FROM_OTHERS);
});

it("does not count against one person what others have raised too", async () => {
  const { ada, ben, cleo, dan, mallory, post } = await fullInbox();
  const likes = (actors: PersonId[], subject: PostId): Raised => ({ kind: "like", subject, actors });
  const own = Array.from({ length: 100 }, nextSubject);
  const byOthers = own.map((subject) => likes([cleo.person.id, dan.person.id], subject));
  await raise(ada, post, byOthers, Date.now() - 500_000);
  // Mallory likes all of them, and 500 that nobody else likes.
  await raise(ada, post, [
    ...own.map((subject) => ({
      ...likes([mallory.person.id, cleo.person.id, dan.person.id], subject),
      version: 3,
    })),
    ...Array.from({ length: 500 }, () => likes([mallory.person.id], nextSubject())),
  ]);
  const { items } = await inboxOf(ada);
  const isAlone = ({ count }: NotificationPage["items"][number]) => count === 1;
  const ofMallory = items.filter(({ actors }) => actors[0]?.id === mallory.person.id);
  expect(ofMallory.filter((item) => !isAlone(item))).toHaveLength(100);
  expect(ofMallory.filter(isAlone).length).toBeLessThanOrEqual(KEPT_FROM_ONE);
  expect(from({ items, unread: 0 }, ben.person)).toBe(10);
});

it("counts what a followed person has raised as theirs, although strangers raise it afterwards", async () => {
  const { ada, ben, post } = await fullInbox();
  const liked = Array.from({ length: 20 }, nextSubject);
  const notice = (subject: PostId, actors: PersonId[], version: number): Raised => ({
    kind: "like",
    subject,
    actors,
    version,
  });
  await raise(
    ada,
    post,
    liked.map((subject) => notice(subject, [ben.person.id], 2)),
    Date.now() - 500_000,
  );
  const strangers = Array.from({ length: 3 }, newPerson);
  await raise(
    ada,
    post,
    liked.map((subject) => notice(subject, strangers, 3)),
  );
  await raise(
    ada,
    post,
    Array.from({ length: 400 }, () => ({ actors: [newPerson()] })),
  );
  const { results } = await d1Of(env, ada.person.id)
    .prepare("SELECT subject FROM notifications WHERE recipient = ? AND kind = 'like'")
    .bind(ada.person.id)
    .all<{ subject: PostId }>();
  expect(results.map(({ subject }) => subject).toSorted()).toEqual(liked.toSorted());
});

it("keeps some of the new posts of an author with a bell, and everybody else's notifications", async () => {
  const { ada, ben, cleo, dan } = await fullInbox();
  const author = await newReader();
  await writeFollow(ada.person.id, author);
  await ringAll([ada.person.id], author);
  const database = d1Of(env, ada.person.id);
  for (let count = 0; count < KEPT_FROM_ONE + 10; count += 1) {
    await database.batch(prepared(database, bellStatements([ada.person.id], author, [nextSubject()])));
  }
  const { results } = await database
    .prepare("SELECT kind FROM notifications WHERE recipient = ?")
    .bind(ada.person.id)
    .all<{ kind: NotificationKind }>();
  expect(results.filter(({ kind }) => kind === "new_post")).toHaveLength(KEPT_FROM_ONE);
  expect(from(await inboxOf(ada), ben.person, cleo.person, dan.person)).toBe(21);
});

it("trims to what the rule says, whatever an inbox holds", async () => {
  type Row = { kind: NotificationKind; subject: string; actors: string[]; at: number; followedAt: number };
  const KNOWN_KINDS = new Set(["follow", "request_accepted", "new_post"]);
  /** The rule of inbox-limit.ts, written plainly. */
  const kept = (rows: readonly Row[]): string[] => {
    const newest = (list: Row[], of: (row: Row) => number) => list.toSorted((a, b) => of(b) - of(a));
    const knownAt = (row: Row) => (KNOWN_KINDS.has(row.kind) ? row.at : row.followedAt);
    const places = new Map<string, number>();
    for (const own of Map.groupBy(rows, ({ actors }) => actors[0]).values()) {
      for (const [place, { subject }] of newest(own, ({ at }) => at).entries()) {
        places.set(subject, place);
      }
    }
    const isMany = ({ subject }: Row) => (places.get(subject) ?? 0) >= KEPT_FROM_ONE;
    const known = newest(
      rows.filter((row) => knownAt(row) > 0),
      knownAt,
    );
    const others = newest(
      rows.filter((row) => knownAt(row) === 0),
      ({ at }) => at,
    );
    const inOrder = [...others.filter((row) => !isMany(row)), ...others.filter(isMany)];
    return [...known.slice(0, KEPT_FROM_FOLLOWED), ...inOrder.slice(0, KEPT_FROM_OTHERS)]
      .filter((row) => row.actors.length !== 1 || !isMany(row))
      .map(({ subject }) => subject);
  };
  const person = fc.oneof(fc.constantFrom("a", "b"), fc.integer({ min: 1, max: 30 }).map(String));
  const shape = fc.record(
    {
      kind: fc.constantFrom<NotificationKind>("like", "mention", "mention", "new_post", "follow"),
      actors: fc.array(person, { minLength: 1, maxLength: 3 }),
      isFollowed: fc.boolean(),
    },
    { noNullPrototype: true },
  );
  const shapes = fc.array(shape, { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(shapes, fc.integer({ min: 1, max: 1500 }), async (shapes, count) => {
      const recipient = newPerson();
      const database = d1Of(env, recipient);
      const rows = Array.from({ length: count }, (_, index): Row => {
        const { isFollowed, ...shape } = shapes[(index * 7) % shapes.length] as (typeof shapes)[number];
        const at = 2 * (1_000_000 + ((index * 7919) % 10_007)); // Even, so that no other row is as new as `followedAt`.
        return { ...shape, subject: String(index).padStart(13, "0"), at, followedAt: isFollowed ? at - 1 : 0 };
      });
      await database
        .prepare(
          `INSERT INTO notifications (recipient, kind, subject, actors, count, version, raised, at, followed_at)
           SELECT ?1, value ->> 'kind', value ->> 'subject', value -> 'actors', 1, 1, 2, value ->> 'at',
             value ->> 'followedAt' FROM json_each(?2)`,
        )
        .bind(recipient, JSON.stringify(rows))
        .run();
      await database.batch(prepared(database, trimInboxStatements([recipient])));
      const { results } = await database
        .prepare("SELECT subject FROM notifications WHERE recipient = ?")
        .bind(recipient)
        .all<{ subject: string }>();
      expect(results.map(({ subject }) => subject).toSorted()).toEqual(kept(rows).toSorted());
    }),
    { numRuns: 30 },
  );
});

it("reads a trimmed inbox about nine times, as D1 counts, and writes the rows that it deletes", async () => {
  const { ada, post, mallory } = await fullInbox();
  vi.spyOn(Math, "random").mockReturnValue(0.99);
  await raise(
    ada,
    post,
    Array.from({ length: 200 }, () => ({ actors: [mallory.person.id] })),
  );
  vi.spyOn(Math, "random").mockReturnValue(0);
  const { env: counted, meter } = metered(env);
  const database = d1Of(counted, ada.person.id);
  await database.batch(prepared(database, trimInboxStatements([ada.person.id])));
  expect(meter.rowsWritten).toBe(200 - KEPT_FROM_ONE);
  expect(meter.rowsRead).toBeLessThan(10 * 221);
});
