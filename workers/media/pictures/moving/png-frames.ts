import { concatBytes } from "../../../../schema/bytes.ts";
import { cursorOf, u32 } from "../../bytes/fields.ts";
import { Rejected } from "../../files/rejections.ts";
import { chunk as chunkOf } from "../formats/png-chunks.ts";
import type { Size } from "../formats/size.ts";

/** Checks the order of frames, and counts them. What it accepts is what decoders accept. */
export class PngFrames {
  #canvas: Size = { width: 0, height: 0 };
  /** The number of the next frame or part of its data, which are counted together. */
  #next = 0;
  #count = 0;
  #announcement: Uint8Array | undefined;
  /** What came last: nothing yet, the head of a frame, or data of one of the two kinds. */
  #last: "nothing" | "frame" | "IDAT" | "fdAT" = "nothing";
  #hasPicture = false;
  /** Whether the last frame takes the whole canvas. */
  #isWhole = false;

  begin(data: Uint8Array): void {
    const cursor = cursorOf(data);
    this.#canvas = { width: cursor.uint(4), height: cursor.uint(4) };
  }

  /** Returns the chunk that announces the frames. Their number is not known before `end`. */
  announce(data: Uint8Array): Uint8Array {
    this.#announcement = chunkOf("acTL", cursorOf(data).take(8));
    return this.#announcement;
  }

  frame(data: Uint8Array): void {
    const cursor = cursorOf(data);
    this.#checkNumber(cursor.uint(4));
    const [width, height, left, top] = [cursor.uint(4), cursor.uint(4), cursor.uint(4), cursor.uint(4)];
    const { width: wide, height: high } = this.#canvas;
    const isInside = width > 0 && height > 0 && left + width <= wide && top + height <= high;
    cursor.take(6); // Its delay, and how it is drawn.
    if (!isInside || this.#last === "frame") throw new Rejected("corrupt");
    this.#last = "frame";
    this.#isWhole = width === wide && height === high;
    this.#count += 1;
  }

  /** The first picture is a frame if the head of one is before it; otherwise a still for programs without motion. */
  data(type: "IDAT" | "fdAT", start: Uint8Array): void {
    const [before, mayBegin] = type === "IDAT" ? ["nothing", !this.#hasPicture] : ["frame", this.#hasPicture];
    const begins = (this.#last === before || this.#last === "frame") && mayBegin;
    if (!begins && this.#last !== type) throw new Rejected("corrupt");
    if (type === "IDAT" && this.#last === "frame" && !this.#isWhole) throw new Rejected("corrupt");
    if (type === "fdAT") this.#checkNumber(cursorOf(start).uint(4));
    this.#hasPicture = true;
    this.#last = type;
  }

  /** Checks that the last frame has its data, and writes the number of frames. */
  end(): void {
    const hasAll = this.#hasPicture && this.#last !== "frame" && this.#count > 0;
    if (!hasAll || !this.#announcement) throw new Rejected("corrupt");
    const repetitions = this.#announcement.slice(12, 16);
    this.#announcement.set(chunkOf("acTL", concatBytes([u32(this.#count), repetitions])));
  }

  #checkNumber(number: number): void {
    if (number !== this.#next) throw new Rejected("corrupt");
    this.#next += 1;
  }
}
