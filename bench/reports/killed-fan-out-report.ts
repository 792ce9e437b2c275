/**
 * A killed fan-out as a table: the delays of small authors meanwhile. It fails if a post is missing or duplicated
 * anywhere.
 */
import { type Delays, killedFanOut, type Plan, SMALL_FOLLOWERS } from "../measurements/killed-fan-out.ts";
import { logProgress } from "../output/progress.ts";
import { type Report, short } from "../output/report.ts";

export async function killedFanOutReport(plan: Plan): Promise<Report> {
  const { followers, bells, kills } = plan;
  logProgress(`a fan-out to ${followers} followers, killed ${kills} times`);
  const killed = await killedFanOut(plan);
  const { seconds, atKills, alone, beside, afterStart, across, wrong } = killed;
  const row = (what: string, { posts, p50, p99, max }: Delays) => [what, String(posts), ...[p50, p99, max].map(short)];
  return {
    title: `A fan-out to ${followers} followers, of whom ${bells} have a bell, killed while it runs`,
    table: [
      [
        `posts to ${SMALL_FOLLOWERS} followers, until all are delivered and notified`,
        "posts",
        "p50 ms",
        "p99 ms",
        "max ms",
      ],
      row("alone", alone),
      row("during the large fan-out", beside),
      row("during it, after a kill and a cold start", afterStart),
      row("interrupted by a kill", across),
    ],
    notes: [
      `All followers had the post ${short(seconds)} s after it was published, including kills and starts.`,
      ...atKills.map(
        ({ feeds, notified }, kill) =>
          `Kill ${kill + 1} came when the post was in ${feeds} feeds and ${notified} people were notified.`,
      ),
    ],
    measured: killed,
    wrong,
  };
}
