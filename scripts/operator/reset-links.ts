import type { ResetLink } from "../../schema/api/accounts.ts";
import type { Operator } from "./operator.ts";

/** Issues and prints a link with which a person can choose a new password. */
export async function showResetLink(operator: Operator, handle: string): Promise<number> {
  const { path, expiresAt } = await operator.post<ResetLink>("/v1/admin/reset-links", { handle });
  console.log(`${operator.addressOf(path)}\nIt works once, until ${expiresAt}.`);
  return 0;
}
