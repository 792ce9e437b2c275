import { Refusal } from "../../../schema/api/refusals.ts";
import { NotAccepted } from "./webauthn/ceremonies.ts";

/** Returns what `read` does, and throws `passkey_not_accepted` for what it cannot accept. */
export async function orRefuse<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NotAccepted) throw new Refusal("passkey_not_accepted", error.message);
    throw error;
  }
}
