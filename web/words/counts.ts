/** Formats numbers and lists of names for people. */

const compact = new Intl.NumberFormat("en-GB", { notation: "compact" });
const list = new Intl.ListFormat("en-GB", { type: "conjunction" });

/** A number in compact form: 1234 is "1.2K". */
export const count = (value: number): string => compact.format(value);

/** A number with its noun in singular or plural: "1 like", "2 replies". */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

export const listed = (names: string[]): string => list.format(names);
