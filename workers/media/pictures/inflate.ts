import { inflateSync } from "node:zlib";

/** More than any colour profile or XMP has. A bomb ends here, and its chunk counts as unread. */
const INFLATED_MAX = 1024 * 1024;

/** What `deflated` contains; nothing if it is damaged or too much. */
export function inflated(deflated: Uint8Array): Uint8Array {
  try {
    return inflateSync(deflated, { maxOutputLength: INFLATED_MAX });
  } catch {
    return new Uint8Array();
  }
}
