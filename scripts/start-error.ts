/** A start that cannot go on for a reason that its user can mend. The message says how, and no stack is shown. */
export class StartError extends Error {}

/** Ends the process, once with a sentence for a user, or with a stack for a bug. */
export function failedToStart(error: unknown): never {
  console.error(error instanceof StartError ? `\n${error.message}` : error);
  process.exit(1);
}
