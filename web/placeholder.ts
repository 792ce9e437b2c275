/** What stands where a picture will be: its colours, out of the few bytes that come with the post. */
import { thumbHashToDataURL } from "thumbhash";

/** More than one screen shows; one that is dropped is only made again. */
const PLACEHOLDERS_MAX = 300;

const made = new Map<string, string>();

/**
 * The address of the small picture that `hash` (Base64) stands for; undefined of what is none. It is a blob, because the
 * page's content security policy admits no `data:`.
 */
export function placeholderOf(hash: string): string | undefined {
  const known = made.get(hash);
  if (known !== undefined) return known;
  try {
    const png = bytesOf(thumbHashToDataURL(bytesOf(hash)).split(",")[1] ?? "");
    const url = URL.createObjectURL(new Blob([png], { type: "image/png" }));
    made.set(hash, url);
    forgetOldest();
    return url;
  } catch {
    return undefined;
  }
}

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

function forgetOldest(): void {
  const [oldest] = made;
  if (made.size <= PLACEHOLDERS_MAX || !oldest) return;
  made.delete(oldest[0]);
  URL.revokeObjectURL(oldest[1]);
}
