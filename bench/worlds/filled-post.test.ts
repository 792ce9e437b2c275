/** A post that was filled in behaves like one that really has its likes and comments. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { PostId } from "../../schema/ids.ts";
import { fillActor, fillD1, fillingOf } from "./filled-post.ts";
import { newPeople, type Person } from "./people.ts";
import { comment, like } from "./requests.ts";
import { databaseFile } from "../../scripts/local-server/database-files.ts";
import { actorFile } from "./stored-rows.ts";
import { newState, Subject } from "./subject.ts";
import { eventually } from "../../tests/product/harness/eventually.ts";

const state = newState();
const FILLED = 40;
let subject: Subject;
let post: PostId;
let author: Person;
let fan: Person;

beforeAll(async () => {
  subject = await Subject.start(state);
  const [first, second, ...others] = await newPeople(subject.database, 10);
  if (!first || !second) throw new Error("there are too few people");
  [author, fan] = [first, second];
  post = await subject.publish(author);
  await subject.caughtUp(post);
  await subject.stop();
  const filling = fillingOf(
    post,
    FILLED,
    FILLED,
    others.map(({ id }) => id),
  );
  fillActor(actorFile(state, post), filling);
  fillD1(databaseFile(state, "people"), filling);
  subject = await Subject.start(state);
});
afterAll(() => subject.stop());

it("is the same in its actor and in D1, and notifies its author of the next like and comment", async () => {
  const { audit } = await subject.caughtUp(post);
  expect(audit).toMatchObject({ verdict: "equal", actor: { likes: FILLED, comments: FILLED } });

  const { headers } = fan;
  await subject.ask(like("PUT", post, headers));
  await subject.ask(comment(post, headers));
  await eventually(async () => {
    const inbox = await subject.ask({ method: "GET", path: "/v1/notifications", headers: author.headers });
    expect(inbox).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({ kind: "like", count: FILLED + 1 }),
        expect.objectContaining({ kind: "comment", count: FILLED + 1 }),
      ]),
    });
  }, 30_000);
  expect(await subject.database.prepare("SELECT reason FROM dead_letters").all()).toMatchObject({ results: [] });
  expect((await subject.caughtUp(post)).audit.verdict).toBe("equal");
});
