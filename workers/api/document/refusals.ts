/** The refusals of an operation: those of its own, and those that follow from what it takes. */
import { REFUSAL_CODES, type RefusalCode } from "../../../schema/api/refusals.ts";
import { problemStatus, problemTitle } from "../../http/problems.ts";

/** What decides which refusals operations share. */
export type Traits = {
  method: string;
  path: string;
  /** Whether it reads a session, even if it needs none. */
  hasSession: boolean;
  hasJsonBody: boolean;
  parameters: readonly string[];
};

const ALWAYS = ["rate_limited", "busy", "unavailable", "internal"] as const;
const OF_JSON = ["malformed_json", "unsupported_type", "too_large", "body_too_slow", "invalid_request"] as const;
const OF_WRITES = ["cross_site", "storage_full"] as const;

/** Returns the codes with which an operation may be refused, in the order of REFUSAL_CODES. */
export function refusalsOf(own: readonly RefusalCode[], traits: Traits): RefusalCode[] {
  const { method, path, hasSession, hasJsonBody, parameters } = traits;
  const isWrite = !["GET", "HEAD", "OPTIONS"].includes(method);
  const codes = new Set<RefusalCode>([
    ...own,
    ...ALWAYS,
    ...(hasSession ? (["not_signed_in"] as const) : []),
    ...(hasJsonBody ? OF_JSON : []),
    ...(parameters.length > 0 ? (["invalid_request"] as const) : []),
    ...(parameters.includes("cursor") ? (["invalid_cursor"] as const) : []),
    ...(isWrite ? OF_WRITES : []),
    ...(isWrite && hasSession ? (["suspended"] as const) : []),
    ...(path.startsWith("/moderation/") ? (["not_a_moderator"] as const) : []),
  ]);
  return REFUSAL_CODES.filter((code) => codes.has(code));
}

/** The responses that refuse, each described once in a document, however many operations refer to it. */
export class RefusalResponses {
  /** By name. */
  readonly components: Record<string, object> = {};

  /** Returns references by status, to responses whose `code` is one of `codes`. */
  of(codes: readonly RefusalCode[]): Record<string, { $ref: string }> {
    const byStatus = [...Map.groupBy(codes, problemStatus)].sort(([one], [other]) => one - other);
    return Object.fromEntries(byStatus.map(([status, group]) => [String(status), this.#refer(status, group)]));
  }

  #refer(status: number, group: readonly RefusalCode[]): { $ref: string } {
    const name = `${status}_${group.join("_")}`;
    this.components[name] ??= responseOf(status, group);
    return { $ref: `#/components/responses/${name}` };
  }
}

const responseOf = (status: number, group: readonly RefusalCode[]): object => ({
  description: group.map((code) => `\`${code}\`: ${problemTitle(code)}`).join("\n\n"),
  ...(RETRIED.has(status) && { headers: { "Retry-After": { $ref: "#/components/headers/RetryAfter" } } }),
  content: {
    "application/problem+json": {
      schema: {
        allOf: [
          { $ref: "#/components/schemas/Problem" },
          { type: "object", properties: { code: { type: "string", enum: group } } },
        ],
      },
    },
  },
});

/** The statuses that may say when to try again. */
const RETRIED = new Set([423, 429, 503]);
