/** A killed fan-out as a table: what small authors wait for beside it. It fails when anybody has something not at all, or twice. */
import { type Delays, killedFanOut, type Plan, SMALL_FOLLOWERS } from "./killed-fan-out.ts";
import { type Report, short } from "./report.ts";
import { say } from "./say.ts";

export async function killedFanOutReport(plan: Plan): Promise<Report> {
  const { followers, bells, kills } = plan;
  say(`a fan-out to ${followers} followers, killed ${kills} times`);
  const killed = await killedFanOut(plan);
  const { seconds, atKills, alone, beside, afterStart, across, wrong } = killed;
  const row = (what: string, { posts, p50, p99, max }: Delays) => [what, String(posts), ...[p50, p99, max].map(short)];
  return {
    title: `A post to ${followers} followers, of whom ${bells} have a bell, killed in its midst`,
    table: [
      [
        `posts to ${SMALL_FOLLOWERS} followers, until all have them and were told`,
        "posts",
        "p50 ms",
        "p99 ms",
        "max ms",
      ],
      row("alone", alone),
      row("beside the large one", beside),
      row("beside it after a kill, from a cold start", afterStart),
      row("under way in a kill", across),
    ],
    notes: [
      `${short(seconds)} s from publishing until everybody had it, kills and starts included.`,
      ...atKills.map(({ feeds, told }, kill) => `Kill ${kill + 1} came when ${feeds} had it and ${told} were told.`),
    ],
    measured: killed,
    wrong,
  };
}
