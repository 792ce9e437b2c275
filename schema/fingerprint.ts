/**
 * Returns a short fingerprint of a list of texts: 64 bits of FNV-1a, which is not secure, so no secret may depend on
 * it.
 */
export function fingerprintOf(parts: readonly string[]): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const part of parts) {
    for (let index = 0; index < part.length; index += 1) {
      const unit = part.charCodeAt(index);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ unit, 0x85ebca6b);
    }
    [a, b] = [Math.imul(a ^ 0x1f, 0x01000193), Math.imul(b ^ 0x1f, 0x85ebca6b)]; // Separates the parts.
  }
  return `${(a >>> 0).toString(36)}-${(b >>> 0).toString(36)}`;
}
