import { expect, it } from "vitest";
import { isInLease, mayView, PRIVACY_LEASE } from "./viewing.ts";

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

it("lets a read serve for one second, and never one from the future", () => {
  expect(PRIVACY_LEASE).toBe(1000);
  expect([-1, 0, 999, 1000].map((age) => isInLease(5000, 5000 + age))).toEqual([false, true, true, false]);
});
