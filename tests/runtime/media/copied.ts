/** Copies moving pictures as inspection does, in memory. */
import { concatBytes } from "../../../schema/bytes.ts";
import { bytesInMemory } from "../../../workers/media/bytes/byte-source.ts";
import { Rejected } from "../../../workers/media/files/rejections.ts";
import { readHeader } from "../../../workers/media/pictures/formats/header.ts";
import { chunksOf } from "../../../workers/media/pictures/moving/copy.ts";
import { motionOf } from "../../../workers/media/pictures/moving/motion.ts";
import { pictureType } from "./picture-bytes.ts";

/** Returns the copy of a moving picture; the code of its rejection; "still", or why its motion is not kept. */
export async function copied(file: Uint8Array): Promise<Uint8Array<ArrayBuffer> | string> {
  const [source, type] = [bytesInMemory(file), pictureType(file)];
  try {
    const moving = await motionOf(source, type, await readHeader(source, type));
    if (moving?.motion !== "kept") return moving?.motion ?? "still";
    const chunks: Uint8Array[] = [];
    for await (const chunk of chunksOf(moving.copy, source)) chunks.push(chunk);
    const copy = concatBytes(chunks);
    if (copy.length !== moving.copy.bytes) throw new Error(`${copy.length} bytes instead of ${moving.copy.bytes}`);
    return copy;
  } catch (error) {
    if (error instanceof Rejected) return error.code;
    throw error;
  }
}
