/** The typed operator's API. A rejected token is dropped, so that the page asks for another one. */
import type { DeadLetterPage, DeadLetterDetails, Replay, ReplayResult } from "../../schema/api/dead-letters.ts";
import type { ShardMap } from "../../schema/api/shards.ts";
import type { Status } from "../../schema/api/status.ts";
import { ApiProblem, problemIn } from "../api/problem.ts";
import { storeToken, token } from "./token.ts";

const TIMEOUT_MS = 15_000;

async function request<T>(method: string, path: string, body?: object, secret = token.value ?? ""): Promise<T> {
  const init: RequestInit = {
    method,
    headers: { authorization: `Bearer ${secret}`, ...(body && { "content-type": "application/json" }) },
    body: body ? JSON.stringify(body) : null,
    credentials: "omit",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
  let result: unknown;
  const response = await fetch(`/v1/admin${path}`, init).catch(() => {
    throw ApiProblem.local(navigator.onLine ? "unreachable" : "offline");
  });
  if (response.status === 204) return undefined as T;
  try {
    result = await response.json();
  } catch {
    throw ApiProblem.local("unreadable");
  }
  if (response.ok) return result as T;
  if (response.status === 401) storeToken(undefined);
  throw problemIn(result);
}

export const operator = {
  /** Reads the status with `secret` instead of the stored token. Throws unless it is the operator's token. */
  signIn: (secret: string) => request<Status>("GET", "/status", undefined, secret),
  status: () => request<Status>("GET", "/status"),
  shards: () => request<ShardMap>("GET", "/shards"),
  deadLetters: (queue: string, cursor?: string) => {
    const query = new URLSearchParams({ limit: "20" });
    if (queue !== "") query.set("queue", queue);
    if (cursor !== undefined) query.set("cursor", cursor);
    return request<DeadLetterPage>("GET", `/dead-letters?${query}`);
  },
  deadLetter: (id: number) => request<DeadLetterDetails>("GET", `/dead-letters/${id}`),
  replay: (id: number) => request<void>("POST", `/dead-letters/${id}/replay`),
  replayMany: (body: Replay) => request<ReplayResult>("POST", "/dead-letters/replay", body),
  discard: (id: number) => request<void>("DELETE", `/dead-letters/${id}`),
};
