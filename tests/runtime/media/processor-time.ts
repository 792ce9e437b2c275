/** Processor time in tests of parsers. Needs no runtime. */

/** How long `job` takes on an idle processor of 2.1 GHz, in ms. */
const JOB_TAKES = 3.7;

/**
 * Runs `work` and returns how many ms of a processor it took, as if on an idle one of 2.1 GHz: what it took, compared with a
 * fixed job right after it. So a slow or busy machine fails no test.
 */
export async function processorTime<T>(work: () => Promise<T>): Promise<{ result: T; cpuMs: number }> {
  const before = process.cpuUsage();
  const result = await work();
  const took = since(before);
  const middle = process.cpuUsage();
  job();
  return { result, cpuMs: (took * JOB_TAKES) / Math.max(since(middle), 1) };
}

function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const MEMORY = new Uint32Array(1 << 18);

/** Reads and writes memory in an order that no cache foresees. */
function job(): void {
  let at = 1;
  for (let step = 0; step < 1_500_000; step += 1) {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0;
    MEMORY[at >>> 14] = (MEMORY[at >>> 14] ?? 0) ^ at;
  }
}

for (let run = 0; run < 5; run += 1) job(); // The first runs are slower.
