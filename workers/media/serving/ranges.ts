/** In bytes. */
export type Range = { offset: number; length: number };

/**
 * What a `Range` asks for of an object of `size` bytes (RFC 9110, 14): `undefined` for all of it, which is also the answer
 * to what cannot be read and to several ranges at once, of which many may be asked for to make us work. R2 itself answers a
 * range that lies outside with the whole object, so this is decided here.
 */
export function rangeOf(header: string | undefined, size: number): Range | "unsatisfiable" | undefined {
  const [, first, last] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { offset: size - length, length };
  }
  const offset = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < offset) return undefined;
  return offset >= size ? "unsatisfiable" : { offset, length: end - offset + 1 };
}
