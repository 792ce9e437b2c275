import { expect, it } from "vitest";
import { crowd, islands, powerLaw } from "./graph.ts";

it("draws the same power law each time, with the most followers for the first people and no duplicate follows", () => {
  const sizes = { people: 200, posts: 1, least: 5, most: 50 };
  const { follows } = powerLaw(sizes);
  expect(powerLaw(sizes).follows).toEqual(follows);
  expect(new Set(follows.map(({ follower, followee }) => `${follower} ${followee}`)).size).toBe(follows.length);
  const followersOf = (person: number) => follows.filter(({ followee }) => followee === person).length;
  expect(followersOf(0)).toBeGreaterThan(5 * followersOf(100));
});

it("gives each author of a crowd the requested number of followers", () => {
  const { posts, follows } = crowd([3, 1, 0]);
  expect(posts).toEqual([1, 1, 1, 0, 0, 0]);
  expect(follows.map(({ followee }) => followee)).toEqual([0, 0, 0, 1]);
});

it("gives no two readers of islands the same author", () => {
  const { follows } = islands({ readers: 3, followees: 2, posts: 1 });
  expect(new Set(follows.map(({ followee }) => followee)).size).toBe(follows.length);
});
