/** Uploads many large files at once with tus, and measures the throughput and the memory of the runtime. */
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { randomBytes } from "node:crypto";
import { processorTime } from "../load/processor-time.ts";
import { residentMemory } from "../load/resident-memory.ts";
import { logProgress } from "../output/progress.ts";
import { type Report, short } from "../output/report.ts";
import { newPeople, type Person } from "../worlds/people.ts";
import { newState, Subject } from "../worlds/subject.ts";

/** Cloudflare accepts up to 100 MB per request. */
const CHUNK_BYTES = 50_000_000;
const SAMPLED_EVERY = 100; // ms
const MB = 1_000_000;

const MP4 = Buffer.from("\0\0\0\x14ftypisom\0\0\0\0mp41", "latin1");
/** The content of the files, repeated: generating 200 MB of noise would use the CPU that is measured. */
const NOISE = randomBytes(MB);

type Measured = {
  files: number;
  seconds: number;
  processorSeconds: number;
  before: number;
  peak: number;
  after: number;
};

/** Measures one upload, and then eight at once. `megabytes` is the size of each file. */
export async function uploads(megabytes: number): Promise<Report> {
  const bytes = megabytes * MB;
  const subject = await Subject.start(newState());
  const wrong: string[] = [];
  try {
    const [person] = await newPeople(subject.database, 1);
    if (!person) throw new Error("there is no person to upload");
    const measured: Measured[] = [];
    for (const files of [1, 8]) {
      logProgress(`uploading ${files} ${files === 1 ? "file" : "files"} of ${megabytes} MB at once`);
      measured.push(await measure(subject, person, files, bytes, wrong));
    }
    return {
      title: `Uploads of ${megabytes} MB each, with tus in chunks of ${CHUNK_BYTES / MB} MB`,
      table: [
        ["files at once", "s", "MB/s in total", "CPU s", "RSS before, MB", "peak, MB", "after, MB"],
        ...measured.map(({ files, seconds, processorSeconds, before, peak, after }) => [
          String(files),
          ...[seconds, (files * megabytes) / seconds, processorSeconds, before, peak, after].map(short),
        ]),
      ],
      notes: [
        "RSS is that of the whole runtime, in which the local R2 is a Worker too. Times end with the last response, which comes when the object is complete and its row says so.",
      ],
      measured,
      wrong,
    };
  } finally {
    await subject.stop();
  }
}

async function measure(
  subject: Subject,
  person: Person,
  files: number,
  bytes: number,
  wrong: string[],
): Promise<Measured> {
  const before = residentMemory(subject.pid);
  let peak = before;
  const sampling = setInterval(() => (peak = Math.max(peak, residentMemory(subject.pid))), SAMPLED_EVERY);
  const [began, processorBegan] = [performance.now(), processorTime(subject.pid)];
  const ended = await Promise.all(Array.from({ length: files }, () => uploadOne(subject.server.port, person, bytes)));
  clearInterval(sampling);
  for (const end of ended) if (end !== "whole") wrong.push(end);
  return {
    files,
    seconds: (performance.now() - began) / 1000,
    processorSeconds: (processorTime(subject.pid) - processorBegan) / 1000,
    before,
    peak,
    after: residentMemory(subject.pid),
  };
}

/** Uploads one file. Returns "whole", or the unexpected status and its offset. */
async function uploadOne(port: number, { headers }: Person, bytes: number): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = async (
    method: string,
    path: string,
    more: Record<string, string | number>,
    range?: [from: number, to: number],
  ) => {
    const sent = request({
      agent,
      port,
      host: "127.0.0.1",
      method,
      path,
      headers: { ...headers, "tus-resumable": "1.0.0", ...more },
    });
    const responded = once(sent, "response") as Promise<[IncomingMessage]>;
    if (range) await write(sent, ...range);
    sent.end();
    const [response] = await responded;
    response.resume();
    await once(response, "end");
    return response;
  };
  try {
    const { headers: created } = await call("POST", "/v1/uploads", { "upload-length": bytes });
    const path = created.location ?? "";
    for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
      const end = Math.min(bytes, offset + CHUNK_BYTES);
      const more = {
        "upload-offset": offset,
        "content-length": end - offset,
        "content-type": "application/offset+octet-stream",
      };
      const { statusCode, headers: answered } = await call("PATCH", path, more, [offset, end]);
      if (statusCode !== 204 || answered["upload-offset"] !== String(end)) return `${statusCode} at ${offset}`;
    }
    return "whole";
  } finally {
    agent.destroy();
  }
}

async function write(to: NodeJS.WritableStream, from: number, end: number): Promise<void> {
  for (let at = from; at < end;) {
    const bytes = at < MP4.length ? MP4.subarray(at) : NOISE.subarray(at % MB).subarray(0, end - at);
    at += bytes.length;
    if (!to.write(bytes)) await once(to, "drain");
  }
}
