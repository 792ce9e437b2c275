/** The length of passwords. The web client imports this file, so it imports nothing. */
export const PASSWORD_MIN = 8;
export const PASSWORD_MAX = 256;
/** The length that the forms recommend. */
export const PASSWORD_GOOD = 15;

/** Returns the number of code points, after the normalization that hashing applies: the same on every keyboard. */
export const passwordLength = (password: string): number => Array.from(password.normalize("NFKC")).length;
