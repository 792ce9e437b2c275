/**
 * Skeletons of names: two texts that can be taken for each other have the same one (UTS 39, section 4; here after NFKD, so
 * that full-width letters count as letters). The data is
 * Unicode's confusables.txt, from the package unhomoglyph: 100 kB in the Worker.
 */
import confusables from "unhomoglyph/data.json";

const prototypes: ReadonlyMap<string, string> = new Map(Object.entries(confusables));

/** Returns the skeleton of a text, regardless of case. */
export const skeletonOf = (text: string): string => mapped(mapped(text.toLowerCase()).toLowerCase());

/** The same, for texts that look alike in capital letters, such as "ADMlN". */
export const capitalSkeletonOf = (text: string): string => mapped(mapped(text).toLowerCase());

function mapped(text: string): string {
  const visible = text.normalize("NFKD").replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "");
  return Array.from(visible, (character) => prototypes.get(character) ?? character)
    .join("")
    .normalize("NFD");
}
