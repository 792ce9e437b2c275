/**
 * Kills everything during a large fan-out. Its messages are lost, so only the post's actor still knows that some
 * followers lack the post. `npm run bench -- kill` does the same with 100,000 followers.
 */
import { expect, it } from "vitest";
import { killedFanOut } from "../../../bench/measurements/killed-fan-out.ts";

const FOLLOWERS = 10_000;
const BELLS = 1000;

it("reaches every follower and every bell exactly once, despite a kill, while others publish", async () => {
  const { seconds, atKills, alone, beside, afterStart, across, wrong } = await killedFanOut({
    followers: FOLLOWERS,
    bells: BELLS,
    kills: 1,
  });
  const delays = ({ posts, p50, p99 }: typeof alone) =>
    `${posts} posts, p50 ${Math.round(p50)} p99 ${Math.round(p99)} ms`;
  console.log(
    `${FOLLOWERS} followers and ${BELLS} bells within ${seconds.toFixed(1)} s, killed when ${atKills
      .map(({ feeds, notified }) => `${feeds} had it and ${notified} were notified`)
      .join(
        ", ",
      )}\nsmall authors: alone ${delays(alone)}; beside it ${delays(beside)}; after the start ${delays(afterStart)}; across the kill ${delays(across)}`,
  );
  expect(wrong).toEqual([]);
  for (const { feeds, notified } of atKills) {
    expect(feeds).toBeGreaterThan(1);
    expect(feeds).toBeLessThan(FOLLOWERS + 1);
    expect(notified).toBeLessThan(BELLS);
  }
  expect(alone.posts).toBeGreaterThan(0);
  expect(beside.posts + afterStart.posts).toBeGreaterThan(0);
});
