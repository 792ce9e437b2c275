/** Requests that are told apart by what is known when they end: answered, perhaps served, or certainly never sent. */
export type Ended<T> =
  { is: "answered"; body: T; seqs: Map<string, number> } | { is: "unknown"; why: string } | { is: "not sent" };

export type Sent = {
  method: "GET" | "PUT" | "DELETE" | "POST";
  path: string;
  body?: object;
  headers?: Record<string, string>;
  /** The client goes away after this many ms. */
  patience?: number;
};

/** Less than a pause of the runtime lasts in the long form, so that clients give up and repeat (F22). */
const PATIENCE = 3000;
const TOKEN = "consistency-token";

/** Throws for a refusal: the torture asks for nothing that may be refused. */
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
    // Of the past, and said to be: it tells nothing of what is.
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

/** A Consistency-Token, as workers/reads/consistency.ts writes them: posts, each with the `seq` to be seen. */
export const tokenOf = (post: string, seq: number): Record<string, string> => ({
  [TOKEN]: btoa(JSON.stringify({ posts: [[post, seq]], databases: [] })),
});

/** No copy in D1 is ever as new as this, so the actor itself answers. */
export const FROM_THE_FUTURE = Number.MAX_SAFE_INTEGER;

const seqsOf = (token: string | null): Map<string, number> =>
  new Map(token === null ? [] : (JSON.parse(atob(token)) as { posts: [string, number][] }).posts);
