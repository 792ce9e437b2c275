/** Names what is made of these parts, for one client: 64 bits of FNV-1a, and weak, since its bytes are not looked at. */
export function etagOf(parts: readonly string[]): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const part of parts) {
    for (let index = 0; index < part.length; index += 1) {
      const unit = part.charCodeAt(index);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ unit, 0x85ebca6b);
    }
    [a, b] = [Math.imul(a ^ 0x1f, 0x01000193), Math.imul(b ^ 0x1f, 0x85ebca6b)]; // Between two parts.
  }
  return `W/"${(a >>> 0).toString(36)}-${(b >>> 0).toString(36)}"`;
}

/** Whether the client has what `etag` stands for already: RFC 9110, 13.1.2, by weak comparison. */
export function isMatch(headers: Headers, etag: string): boolean {
  const known = headers.get("if-none-match");
  if (known === null) return false;
  const opaque = etag.replace(/^W\//, "");
  return known.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === opaque);
}
