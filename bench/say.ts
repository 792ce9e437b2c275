/** What the bench is at, and since how many seconds it runs: on standard error, beside the tables. */
export const say = (what: string): void => console.error(`${Math.round(performance.now() / 1000)} s: ${what}`);
