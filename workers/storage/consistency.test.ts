import { expect, it } from "vitest";
import { newId, type PostId } from "../../schema/ids.ts";
import { Seen } from "./consistency.ts";

const at = (commit: number) => `${commit.toString(16).padStart(8, "0")}-00000000-00000000-${"0".repeat(32)}`;
const post = (shard: number) => newId<PostId>(shard);

it("carries writes and bookmarks from one request to the next", () => {
  const first = new Seen(undefined);
  const [a, b] = [post(1), post(2)];
  first.wrote(a, { seq: 5, liked: true });
  first.wrote(b, { seq: 2 });
  first.reached("DB", at(7));
  const second = new Seen(first.token);
  expect([second.post(a), second.post(b)]).toEqual([
    { seq: 5, liked: true },
    { seq: 2, liked: undefined },
  ]);
  expect([second.bookmark("DB"), second.bookmark("DB_1")]).toEqual([at(7), undefined]);
  expect(second.token).toBeUndefined(); // The client has all of it already.
});

it("never moves a seq or a bookmark back", () => {
  const seen = new Seen(undefined);
  const id = post(1);
  seen.wrote(id, { seq: 5, liked: false });
  seen.wrote(id, { seq: 4 });
  seen.reached("DB", at(9));
  seen.reached("DB", at(3));
  expect([seen.post(id), seen.bookmark("DB")]).toEqual([{ seq: 5, liked: false }, at(9)]);
});

it("keeps the newest eight posts and bookmarks, and stays small", () => {
  const seen = new Seen(undefined);
  const posts = Array.from({ length: 20 }, (_, shard) => post(shard));
  for (const [index, id] of posts.entries()) {
    seen.wrote(id, { seq: index, liked: true });
    seen.reached(`DB_${index}`, at(index));
  }
  const next = new Seen(seen.token);
  expect(posts.filter((id) => next.post(id) !== undefined)).toEqual(posts.slice(-8));
  expect(Array.from({ length: 20 }, (_, index) => next.bookmark(`DB_${index}`)).findIndex(Boolean)).toBe(12);
  expect(seen.token?.length).toBeLessThan(2000);
});

it.each(
  [
    ["", "!!!", btoa("null"), btoa("[]"), btoa('{"posts":[]}'), "x".repeat(5000)],
    [btoa(JSON.stringify({ posts: [["nonsense", 1]], databases: [] }))],
    [btoa(JSON.stringify({ posts: [], databases: [["DB", "first-primary"]] }))],
    [btoa(JSON.stringify({ posts: [], databases: Array.from({ length: 9 }, () => ["DB", at(1)]) }))],
  ].flat(),
)("ignores a token that is not one of ours: %.40s", (token) => {
  const seen = new Seen(token);
  expect([seen.bookmark("DB"), seen.token]).toEqual([undefined, undefined]);
});
