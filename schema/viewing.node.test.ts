import { expect, it } from "vitest";
import { includes, mayView } from "./viewing.ts";

// prettier-ignore
const PUBLIC_AND_PRIVATE = [
  //  the viewer is                                           public  private
  { isAuthor: false, isFollower: false, isModerator: false, open: true, locked: false },
  { isAuthor: false, isFollower: true,  isModerator: false, open: true, locked: true },
  { isAuthor: true,  isFollower: false, isModerator: false, open: true, locked: true },
  { isAuthor: true,  isFollower: true,  isModerator: false, open: true, locked: true },
  { isAuthor: false, isFollower: false, isModerator: true,  open: true, locked: false },
  { isAuthor: false, isFollower: true,  isModerator: true,  open: true, locked: true },
];

it.each(PUBLIC_AND_PRIVATE)(
  "decides for author $isAuthor, follower $isFollower, moderator $isModerator",
  ({ open, locked, ...viewer }) => {
    const live = { ...viewer, isDeleted: false, isTakenDown: false, isBlocked: false };
    expect(mayView({ ...live, isPrivate: false })).toBe(open);
    expect(mayView({ ...live, isPrivate: true })).toBe(locked);
    for (const [isPrivate, seen] of [
      [false, open],
      [true, locked],
    ] as const) {
      const is = (state: object) => mayView({ ...live, isPrivate, ...state });
      expect(is({ isDeleted: true })).toBe(false);
      expect(is({ isDeleted: true, isBlocked: true, isTakenDown: true })).toBe(false);
      expect(is({ isBlocked: true })).toBe(seen && viewer.isModerator);
      expect(is({ isTakenDown: true })).toBe(seen && (viewer.isAuthor || viewer.isModerator));
      expect(is({ isTakenDown: true, isBlocked: true })).toBe(seen && viewer.isModerator);
    }
  },
);

it("takes a state for new enough only if its bookmark has reached the mark", () => {
  const [earlier, later] = ["00000001-00000000-00004f9d-ab", "00000001-00000001-00004f9d-00"];
  expect([undefined, earlier, later].map((mark) => includes(earlier, mark))).toEqual([true, true, false]);
  expect([undefined, earlier].map((mark) => includes(undefined, mark))).toEqual([true, false]);
});
