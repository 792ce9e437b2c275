/** Which new passwords are refused: those that a guesser tries first. Existing passwords are never checked. */
import { Refusal } from "../../schema/api/refusals.ts";
import { COMMON_PASSWORDS } from "./common-passwords.ts";

/** The fewest different characters. */
const DIFFERENT_MIN = 4;
/** The fewest characters besides the person's handle and name, and the product's name. */
const OWN_MIN = 4;

const ADVICE = "A few words together are easy to remember and hard to guess.";

/** Built at the first use, in a few ms, and kept: about 1 MB. */
let common: Set<string> | undefined;

/**
 * Throws `weak_password` with a sentence that says what to do. `known`: the person's handle and name, which a guesser
 * knows. Needs no query. The list of common passwords adds 90 kB to the Worker, 45 kB compressed.
 */
export function refuseWeakPassword(password: string, known: readonly string[], field = "password"): void {
  const plain = plainOf(password);
  const reason = weaknessOf(plain, known.map(plainOf));
  if (reason === undefined) return;
  const detail = `${reason} ${ADVICE}`;
  throw new Refusal("weak_password", detail, [{ path: field, message: detail }]);
}

function weaknessOf(plain: string, known: readonly string[]): string | undefined {
  if (plain.trim() === "") return "Don’t use spaces only.";
  if (new Set(plain).size < DIFFERENT_MIN) return "Use more different characters.";
  if (isSequence(plain)) return "Don’t use a sequence, such as 12345678.";
  common ??= new Set(COMMON_PASSWORDS.trim().split(/\s+/));
  if (common.has(plain.trim())) return "This is one of the most common passwords. Choose another one.";
  // The longest first, because a name may contain the handle.
  const parts = [...known, "shutterline"].filter((part) => part.length > 2).sort((a, b) => b.length - a.length);
  const rest = parts.reduce((text, part) => text.replaceAll(part, ""), plain);
  if (rest !== plain && rest.trim().length < OWN_MIN) return "Don’t use your handle or your name as your password.";
  return undefined;
}

const plainOf = (text: string): string => text.normalize("NFKC").toLowerCase();

/** Whether each character follows, or precedes, the one before it in Unicode. */
function isSequence(text: string): boolean {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const step = (points[1] ?? 0) - (points[0] ?? 0);
  return (
    Math.abs(step) === 1 && points.every((point, index) => index === 0 || point - (points[index - 1] ?? 0) === step)
  );
}
