import { ResponseError } from "../../../scripts/api-client.ts";

/** Resolves with how a request ended: "ok", or the status and code of its problem. Anything else is rethrown. */
export async function outcomeOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return "ok";
  } catch (error) {
    if (error instanceof ResponseError) return `${error.status} ${error.code}`;
    throw error;
  }
}
