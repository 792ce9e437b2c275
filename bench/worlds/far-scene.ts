/**
 * People, posts and handles for cold requests: each sample has its own, which nobody has read since the product started.
 */
import type { PersonId, PostId } from "../../schema/ids.ts";
import { eventually } from "../../tests/product/harness/eventually.ts";
import { COMMENTS, fillGraphs, type Member } from "./filled-graph.ts";
import { islands } from "./graph.ts";
import { comment, follow } from "./requests.ts";
import { newState, Subject } from "./subject.ts";

const FOLLOWEES = 10;
const POSTS = 3;
/** As many as the comments of a post, all of them by different people. */
const THREAD_FOLLOWEES = COMMENTS;
const COMMENTERS_AT_ONCE = 8;
/** Notices of comments are collected for ten seconds. */
const NOTIFIED_WITHIN = 60_000;

/** A signed-in person who follows `authors`, who have POSTS posts each. */
export type Visitor = Member & { authors: Member[] };
/** A person, and a post with an actor by somebody else. */
export type Meeting = { visitor: Visitor; post: PostId };

/** Each list has what one place needs. `take` removes what is used. */
export type FarScene = {
  visitors: Visitor[];
  /** Visitors whose authors' posts have COMMENTS comments, by people who comment on no other sample. */
  threads: Visitor[];
  meetings: Meeting[];
  /** People with a new follower, and with a comment on a post of theirs, both unread. */
  notified: Visitor[];
};
type Counts = { [Kind in keyof FarScene]: number };

/** Fills a new data folder with a scene for each place. */
export async function prepareFarScenes(counts: Counts, places: number): Promise<{ state: string; scenes: FarScene[] }> {
  const state = newState();
  await (await Subject.start(state)).stop(); // Creates the tables.
  // A meeting needs the author of the post, and an inbox a follower and a commenter.
  const readers = counts.visitors + 2 * counts.meetings + 3 * counts.notified;
  const threads = Array.from({ length: places * counts.threads }, () =>
    islands({ readers: 1, followees: THREAD_FOLLOWEES, posts: 1 }),
  );
  const [crowd = [], ...small] = fillGraphs(state, [
    islands({ readers: places * readers, followees: FOLLOWEES, posts: POSTS }),
    ...threads,
  ]);
  const visitors = visitorsOf(crowd, places * readers, FOLLOWEES);
  const inThreads = small.flatMap((members) => visitorsOf(members, 1, THREAD_FOLLOWEES));
  const subject = await Subject.start(state);
  try {
    const scenes: FarScene[] = [];
    for (let place = 0; place < places; place += 1) {
      scenes.push({
        visitors: visitors.splice(0, counts.visitors),
        threads: inThreads.splice(0, counts.threads),
        meetings: await meet(subject, visitors.splice(0, 2 * counts.meetings)),
        notified: await notify(subject, visitors.splice(0, 3 * counts.notified)),
      });
    }
    await notified(
      subject,
      scenes.flatMap((scene) => scene.notified),
    );
    await subject.quiet();
    return { state, scenes };
  } finally {
    await subject.stop();
  }
}

/** The readers of `islands`, with the authors that each of them follows. */
const visitorsOf = (members: readonly Member[], readers: number, followees: number): Visitor[] =>
  members.slice(0, readers).map((member, index) => {
    const first = readers + index * followees;
    return { ...member, authors: members.slice(first, first + followees) };
  });

async function meet(subject: Subject, people: Visitor[]): Promise<Meeting[]> {
  const meetings: Meeting[] = [];
  for (const [visitor, author] of inGroups(people, 2)) {
    if (visitor && author) meetings.push({ visitor, post: await subject.publish(author) });
  }
  return meetings;
}

async function notify(subject: Subject, people: Visitor[]): Promise<Visitor[]> {
  const recipients: Visitor[] = [];
  const one = async ([recipient, follower, commenter]: Visitor[]) => {
    if (!recipient || !follower || !commenter) return;
    recipients.push(recipient);
    const post = await subject.publish(recipient);
    await subject.ask(follow(recipient.id, follower.headers));
    await subject.ask(comment(post, commenter.headers));
  };
  for (const group of inGroups(inGroups(people, 3), COMMENTERS_AT_ONCE)) await Promise.all(group.map(one));
  return recipients;
}

/** Waits until everyone has both notifications. */
async function notified(subject: Subject, recipients: readonly { id: PersonId }[]): Promise<void> {
  const raised = subject.database
    .prepare(
      "SELECT count(*) AS count FROM notifications WHERE raised > 0 AND recipient IN (SELECT value FROM json_each(?1))",
    )
    .bind(JSON.stringify(recipients.map(({ id }) => id)));
  await eventually(async () => {
    const arrived = (await raised.first<{ count: number }>())?.count;
    if (arrived !== 2 * recipients.length) throw new Error("not all notifications have arrived");
  }, NOTIFIED_WITHIN);
}

const inGroups = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
