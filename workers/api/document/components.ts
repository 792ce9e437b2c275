/** The parts of the OpenAPI documents that many operations share. */
import { CONSISTENCY_TOKEN, TOKEN_LENGTH_MAX } from "../../storage/consistency.ts";
import { SESSION_COOKIE } from "../../http/session-cookie.ts";

const text = { type: "string" } as const;

export const COMPONENTS = {
  parameters: {
    ConsistencyToken: {
      name: CONSISTENCY_TOKEN,
      in: "header",
      description:
        "The value of this header in the last response. With it the viewer sees their own writes, and nothing older than " +
        "they have seen, wherever the request is served. A value that was never issued is ignored",
      schema: { ...text, maxLength: TOKEN_LENGTH_MAX },
    },
    IfNoneMatch: {
      name: "If-None-Match",
      in: "header",
      description: "The `ETag` of a response that the client has",
      schema: text,
    },
  },
  headers: {
    ConsistencyToken: { description: "Send this value with the next request", schema: text },
    ETag: { description: "Names this version of the response", schema: text },
    RateLimit: {
      description:
        "What is left of each limit that this request counted towards (draft-ietf-httpapi-ratelimit-headers)",
      schema: text,
    },
    RateLimitPolicy: { description: "The limits themselves", schema: text },
    RetryAfter: { description: "After how many seconds the same request may succeed", schema: { type: "integer" } },
  },
  securitySchemes: {
    session: { type: "apiKey", in: "cookie", name: SESSION_COOKIE, description: "The cookie that signing in sets" },
    token: { type: "http", scheme: "bearer", description: "The `token` that signing in returns" },
    operator: { type: "http", scheme: "bearer", description: "The secret `ADMIN_TOKEN`" },
  },
} as const;
