/** A number and how many bits it takes. */
export type Field = [value: number, bits: number];

/** Packs fields into bytes, from the highest bit on. The last byte is filled up with zeros. */
export function packed(...fields: Field[]): Uint8Array<ArrayBuffer> {
  const bits = fields.flatMap(([value, count]) =>
    Array.from({ length: count }, (_, at) => Math.floor(value / 2 ** (count - at - 1)) % 2),
  );
  return Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, byte) =>
    Array.from({ length: 8 }, (__, bit) => bits[byte * 8 + bit] ?? 0).reduce((value, bit) => value * 2 + bit, 0),
  );
}

/** An Exp-Golomb code. */
export const golomb = (value: number): Field => [value + 1, 2 * Math.floor(Math.log2(value + 1)) + 1];
