/** Base64url without padding (RFC 4648, section 5): what goes into URLs, headers and tokens. */

const FORM = { alphabet: "base64url", omitPadding: true } as const;

export const toBase64url = (bytes: Uint8Array): string => bytes.toBase64(FORM);

/** Throws a SyntaxError for anything else than base64url. Takes padding too, which others may have added. */
export const fromBase64url = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.fromBase64(text, { alphabet: "base64url" });

/** The same for text, as UTF-8. */
export const textToBase64url = (text: string): string => toBase64url(new TextEncoder().encode(text));
export const textFromBase64url = (text: string): string => new TextDecoder().decode(fromBase64url(text));
