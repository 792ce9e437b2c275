import { Rejected } from "../../files/rejections.ts";

export type Bits = ReturnType<typeof bitsOf>;

/** Reads bits from the highest of the first byte on. Reading beyond the end throws `corrupt`. */
export function bitsOf(bytes: Uint8Array) {
  let position = 0;
  const moveTo = (bit: number): void => {
    if (bit > bytes.length * 8) throw new Rejected("corrupt");
    position = bit;
  };
  /** Reads a number of up to 32 bits. */
  const take = (count: number): number => {
    let value = 0;
    const end = position + count;
    if (end > bytes.length * 8) throw new Rejected("corrupt");
    for (; position < end; position += 1)
      value = value * 2 + (((bytes[position >> 3] ?? 0) >> (7 - (position & 7))) & 1);
    return value;
  };
  const skip = (count: number): void => moveTo(position + count);
  /** Reads an Exp-Golomb code: as many zeros as bits follow the first one. */
  const golomb = (): number => {
    let zeros = 0;
    while (take(1) === 0) zeros += 1;
    if (zeros > 31) throw new Rejected("corrupt");
    return 2 ** zeros - 1 + take(zeros);
  };
  return { at: () => position, moveTo, skip, take, golomb };
}
