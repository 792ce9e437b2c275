/** One line of a start's progress; the line is rewritten in place on a terminal, and written once at its end elsewhere. */
const live = process.stdout.isTTY;

export type Progress = (done: string) => void;

/** Runs `work`, which returns what it has to say in the end. */
export async function step(name: string, work: (progress: Progress) => Promise<string>): Promise<void> {
  const started = performance.now();
  const show = (text: string) => live && process.stdout.write(`\r\u001b[2K  ${name}: ${text}`);
  show("...");
  const outcome = await work(show);
  if (live) process.stdout.write("\r\u001b[2K");
  console.log(`  ${name}: ${outcome} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
