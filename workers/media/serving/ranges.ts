/** A byte range. */
export type Range = { offset: number; length: number };

/**
 * Returns the part of an object of `size` bytes that a `Range` header requests (RFC 9110, 14). `undefined` means all of
 * it, which is also the result for a malformed header and for several ranges, because a client could request many to
 * overload us. R2 returns the whole object for a range outside it, so this is decided here.
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
