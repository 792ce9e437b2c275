/** One progress line of a start. A terminal shows it live, rewritten in place; other outputs get only the result. */
const live = process.stdout.isTTY;

export type Progress = (done: string) => void;

/** Runs `work`, and prints the summary that it returns and the time it took. */
export async function step(name: string, work: (progress: Progress) => Promise<string>): Promise<void> {
  const started = performance.now();
  const show = (text: string) => live && process.stdout.write(`\r\u001b[2K  ${name}: ${text}`);
  show("...");
  const outcome = await work(show);
  if (live) process.stdout.write("\r\u001b[2K");
  console.log(`  ${name}: ${outcome} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
