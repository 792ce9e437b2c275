import { issueWith } from "../../../scripts/local-server/issued-tokens.ts";

/** Sends requests and tells three outcomes apart: answered, possibly served but unanswered, certainly not sent. */
export type Ended<T> =
  { is: "answered"; body: T; seqs: Map<string, number> } | { is: "unknown"; why: string } | { is: "not sent" };

export type Sent = {
  method: "GET" | "PUT" | "DELETE" | "POST";
  path: string;
  body?: object;
  headers?: Record<string, string>;
  /** The client aborts after this many ms. */
  patience?: number;
};

/** In ms; shorter than a pause of the server in the long run, so that clients give up and repeat (fault F22). */
const PATIENCE = 3000;
const TOKEN = "consistency-token";

/** Sends a request. Throws for a refusal, because these tests send nothing that may be refused. */
export async function send<T>(address: string, session: string, sent: Sent): Promise<Ended<T>> {
  try {
    const response = await fetch(address + sent.path, {
      method: sent.method,
      headers: {
        authorization: `Bearer ${session}`,
        ...(sent.body && { "content-type": "application/json" }),
        ...sent.headers,
      },
      ...(sent.body && { body: JSON.stringify(sent.body) }),
      signal: AbortSignal.timeout(Math.ceil(sent.patience ?? PATIENCE)),
    });
    const text = await response.text();
    if (response.status >= 500) return { is: "unknown", why: String(response.status) };
    // A response that is marked as stale proves nothing about the present state.
    if (response.headers.get("cache-status")?.includes("stale")) return { is: "unknown", why: "stale" };
    if (!response.ok) throw new Refusal(`${sent.method} ${sent.path}: ${response.status} ${text.slice(0, 300)}`);
    return { is: "answered", body: JSON.parse(text) as T, seqs: seqsOf(response.headers.get(TOKEN)) };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    return codeOf(error) === "ECONNREFUSED" ? { is: "not sent" } : { is: "unknown", why: codeOf(error) };
  }
}

class Refusal extends Error {}

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { code } = (error.cause ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : error.name;
};

/**
 * Makes a Consistency-Token for one post, as workers/storage/consistency.ts does: posts, each with a minimum `seq`. `key`
 * is the deployment's key of tokens.
 */
export const tokenOf = (key: string, post: string, seq: number): Record<string, string> => ({
  [TOKEN]: issueWith(key, "consistency", btoa(JSON.stringify({ posts: [[post, seq]], databases: [] }))),
});

/** A `seq` that no copy in D1 ever reaches, so the actor itself serves the read. */
export const FROM_THE_FUTURE = Number.MAX_SAFE_INTEGER;

const seqsOf = (token: string | null): Map<string, number> =>
  new Map(token === null ? [] : (JSON.parse(atob(token.split(".")[0] ?? "")) as { posts: [string, number][] }).posts);
