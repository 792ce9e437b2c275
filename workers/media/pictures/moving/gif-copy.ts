/**
 * Copies a moving GIF: its screen, colours, frames with their delays, and how often it repeats. Comments, texts and the
 * data of other applications are left out, XMP among them, and so is everything after the end.
 */
import { latin1 } from "../../bytes/fields.ts";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { type Windows, windowsOf } from "../../bytes/windows.ts";
import { Rejected } from "../../files/rejections.ts";
import {
  APPLICATION,
  coloursOf,
  CONTROL,
  END,
  endOfBlocks,
  EXTENSION,
  IMAGE,
  IMAGE_BYTES,
  SCREEN_BYTES,
} from "../formats/gif.ts";
import { SEGMENTS_MAX } from "../formats/raw-header.ts";
import { Copy } from "./copy.ts";

/** The bytes of an application extension before its first block: a label and a name of 11 bytes. */
const NAME_END = 14;
const LOOPS = new Set(["NETSCAPE2.0", "ANIMEXTS1.0"]);
/** How far the number of repetitions is searched for. It is in the first block; a second one may state a buffer size. */
const LOOP_BYTES_MAX = 256;
const CONTROL_BYTES = 4;

/** Returns the copy of a GIF. Throws `corrupt` if a block is damaged or cut off, and `too_many_segments`. */
export async function copyOfGif(source: ByteSource): Promise<Copy> {
  const windows = windowsOf(source);
  const copy = new Copy();
  const screen = await windows.at(0, SCREEN_BYTES);
  let at = SCREEN_BYTES + coloursOf(screen[10]);
  if (at > source.size) throw new Rejected("corrupt");
  copy.keep(0, at);
  let control: Uint8Array | undefined;
  for (let blocks = 0; at < source.size; blocks += 1) {
    if (blocks > SEGMENTS_MAX) throw new Rejected("too_many_segments");
    const head = await windows.at(at, NAME_END);
    if (head[0] === END || isPadding(head)) break;
    if (head[0] === IMAGE) {
      const end = whole(await endOfBlocks(windows, at + IMAGE_BYTES + coloursOf(head[9])));
      if (control) copy.write(control);
      control = undefined;
      copy.keep(at, end);
      at = end;
    } else if (head[0] === EXTENSION) {
      // A control extension is for the image that follows it.
      if (head[1] === CONTROL) control = controlIn(head);
      const loop = await loopIn(windows, at, head);
      if (loop) copy.write(loop);
      at = whole(await endOfBlocks(windows, at + 2));
    } else throw new Rejected("corrupt");
  }
  // Browsers show a file without its last byte, but one that ends within a frame has been cut off.
  if (control && at >= source.size) throw new Rejected("corrupt");
  copy.write(Uint8Array.of(END));
  return copy;
}

/** Whether a few zeros lead to the end. Some programs write the end of a block twice. */
function isPadding(head: Uint8Array): boolean {
  const next = head.find((byte) => byte !== 0);
  return head[0] === 0 && (next === END || (next === undefined && head.length < NAME_END));
}

function whole(end: number | undefined): number {
  if (end === undefined) throw new Rejected("corrupt");
  return end;
}

/** Returns a control extension with its four bytes alone: a delay, the transparent colour, and how to clean up. */
function controlIn(head: Uint8Array): Uint8Array {
  if ((head[2] ?? 0) < CONTROL_BYTES) throw new Rejected("corrupt");
  return Uint8Array.of(EXTENSION, CONTROL, CONTROL_BYTES, ...head.subarray(3, 3 + CONTROL_BYTES), 0);
}

/** Returns the extension with the number of repetitions alone, if `head` begins one that states it. */
async function loopIn(windows: Windows, at: number, head: Uint8Array): Promise<Uint8Array | undefined> {
  const name = head.subarray(3, NAME_END);
  if (head[1] !== APPLICATION || head[2] !== name.length || !LOOPS.has(latin1(name))) return undefined;
  const blocks = await windows.at(at + NAME_END, LOOP_BYTES_MAX);
  for (let block = 0; block < blocks.length && blocks[block] !== 0; block += 1 + (blocks[block] ?? 0)) {
    const [length = 0, kind = 0, low = 0, high = 0] = blocks.subarray(block, block + 4);
    // 0 repeats for ever.
    if (length >= 3 && (kind & 7) === 1) return Uint8Array.of(...head.subarray(0, NAME_END), 3, 1, low, high, 0);
  }
  return undefined;
}
