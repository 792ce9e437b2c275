/** Videos of other projects, and what is served of them. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { VideoType } from "../../schema/media/media-types.ts";
import { bytesInMemory } from "../../workers/media/bytes/byte-source.ts";
import { Rejected } from "../../workers/media/files/rejections.ts";
import { describeVideo } from "../../workers/media/videos/describe.ts";
import { rewrite } from "../../workers/media/videos/rewrite.ts";

const CORPUS = fileURLToPath(import.meta.resolve("../../../shared/corpus"));
export const HAS_CORPUS = existsSync(CORPUS);
if (!HAS_CORPUS) console.warn("SKIPPED: ../shared/corpus is missing, so videos of other projects are not tested");

/** Returns the files of a folder, with what is known of each. */
export const filesOf = <T>(folder: string): [name: string, known: T, bytes: Uint8Array][] =>
  Object.entries(JSON.parse(readFileSync(`${CORPUS}/${folder}/expected.json`, "utf8")) as Record<string, T>).map(
    ([name, known]) => [name, known, new Uint8Array(readFileSync(`${CORPUS}/${folder}/${name}`))],
  );

/** Detects the type from the first bytes. */
export const typeOf = (bytes: Uint8Array): VideoType =>
  bytes[0] === 0x1a ? "video/webm" : ascii(bytes).startsWith("ftypqt", 4) ? "video/quicktime" : "video/mp4";

export const ascii = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** Returns the result of `work`, or the code of its rejection. Any other error fails the test. */
export async function outcomeOf<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Rejected) return error.code;
    throw error;
  }
}

export const describeBytes = (bytes: Uint8Array) => outcomeOf(describeVideo(bytesInMemory(bytes), typeOf(bytes)));

/** Returns what is served of a file. Throws `Rejected`. */
export async function rewritten(bytes: Uint8Array): Promise<Uint8Array> {
  let copy = Buffer.alloc(0);
  await rewrite(bytesInMemory(bytes), typeOf(bytes), (position, part) => {
    const end = position + part.length;
    if (end > copy.length) copy = Buffer.concat([copy, Buffer.alloc(end - copy.length)]);
    copy.set(part, position);
    return Promise.resolve();
  });
  return new Uint8Array(copy);
}
