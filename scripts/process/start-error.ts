/** A failure that the person at the terminal can fix. Its message says how, and is shown without a stack. */
export class StartError extends Error {}

/** Ends the process with exit code 1: prints the message of a `StartError`, and any other error with its stack. */
export function exitWithError(error: unknown): never {
  console.error(error instanceof StartError ? `\n${error.message}` : error);
  process.exit(1);
}
