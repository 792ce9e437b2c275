import { expect, it } from "vitest";
import { includes, mayView } from "./viewing.ts";

// prettier-ignore
const PUBLIC_AND_PRIVATE = [
  //  the viewer is                      public  private
  { isAuthor: false, isFollower: false, open: true, locked: false },
  { isAuthor: false, isFollower: true,  open: true, locked: true },
  { isAuthor: true,  isFollower: false, open: true, locked: true },
  { isAuthor: true,  isFollower: true,  open: true, locked: true },
];
const ANYTHING_ELSE = [
  { isDeleted: false, isBlocked: true },
  { isDeleted: true, isBlocked: false },
  { isDeleted: true, isBlocked: true },
];

it.each(PUBLIC_AND_PRIVATE)("decides for author $isAuthor, follower $isFollower", ({ open, locked, ...viewer }) => {
  const live = { ...viewer, isDeleted: false, isBlocked: false };
  expect(mayView({ ...live, isPrivate: false })).toBe(open);
  expect(mayView({ ...live, isPrivate: true })).toBe(locked);
  for (const state of ANYTHING_ELSE) {
    expect(mayView({ ...viewer, ...state, isPrivate: false })).toBe(false);
    expect(mayView({ ...viewer, ...state, isPrivate: true })).toBe(false);
  }
});

it("takes a state for new enough only if its bookmark has reached the mark", () => {
  const [earlier, later] = ["00000001-00000000-00004f9d-ab", "00000001-00000001-00004f9d-00"];
  expect([undefined, earlier, later].map((mark) => includes(earlier, mark))).toEqual([true, true, false]);
  expect([undefined, earlier].map((mark) => includes(undefined, mark))).toEqual([true, false]);
});
