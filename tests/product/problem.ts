import { Refused } from "../../scripts/api-client.ts";

/** How a request ended: "ok", or the status and code of the problem. Whatever else happens is a failure of the test. */
export async function outcomeOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return "ok";
  } catch (error) {
    if (error instanceof Refused) return `${error.status} ${error.code}`;
    throw error;
  }
}
