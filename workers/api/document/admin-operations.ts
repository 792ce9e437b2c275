/** What the document of the operator's API says about each operation beyond its route, like operations.ts. */
import type { RefusalCode } from "../../../schema/api/refusals.ts";
import type { Operation } from "./operations.ts";

/** The groups of the operator's operations. */
export const ADMIN_TAGS = {
  service: "How the deployment is doing",
  data: "Comparing and rebuilding what D1 holds of posts",
  shards: "Moving shards between databases",
  messages: "Messages that were given up on",
  people: "Roles, lost passwords, and closing accounts",
} as const;

const operator = (id: string, tag: keyof typeof ADMIN_TAGS, ...refusals: RefusalCode[]): Operation => ({
  id,
  tag,
  isOpen: false,
  refusals: ["not_found", "not_the_operator", "too_many_attempts", ...refusals],
});

/** By method and path, as their routes have them. */
export const ADMIN_OPERATIONS: Record<string, Operation> = {
  "POST /roles": operator("setRole", "people", "person_not_found"),
  "GET /shards": operator("getShards", "shards"),
  "POST /shards/moves": operator("moveShards", "shards", "move_under_way"),
  "POST /shards/moves/{id}/steps": operator("runMoveStep", "shards"),
  "POST /shards/moves/{id}/abort": operator("abortMove", "shards", "too_late_to_abort"),
  "GET /dead-letters": operator("listDeadLetters", "messages"),
  "GET /dead-letters/{id}": operator("getDeadLetter", "messages", "dead_letter_not_found"),
  "POST /dead-letters/{id}/replay": operator("replayDeadLetter", "messages", "dead_letter_not_found", "queue_unknown"),
  "POST /dead-letters/replay": operator("replayDeadLetters", "messages", "invalid_cursor"),
  "DELETE /dead-letters/{id}": operator("discardDeadLetter", "messages", "dead_letter_not_found"),
  "GET /status": operator("getStatus", "service"),
  "GET /metrics": operator("getMetrics", "service"),
  "POST /reset-links": operator("makeResetLink", "people", "person_not_found"),
  "GET /closings": operator("listClosings", "people"),
  "POST /closings": operator("closeAccountOf", "people", "person_not_found"),
  "POST /reconcile": operator("reconcile", "data", "invalid_cursor"),
};
