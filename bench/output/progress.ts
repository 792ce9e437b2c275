/** Prints the current step and the seconds since the start to stderr, since stdout is for the tables. */
export const logProgress = (what: string): void => console.error(`${Math.round(performance.now() / 1000)} s: ${what}`);
