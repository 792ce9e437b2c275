/** People for tests, and a client of the API. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { PersonCard } from "../../../schema/api/people.ts";
import { withQueuedFacts } from "../queues/facts.ts";
import { d1Of } from "../stores/d1.ts";
import { checkContract } from "./contract.ts";
import { app } from "../../../workers/app.ts";
import { claimHandle, createPerson } from "../../../workers/api/accounts/sign-up.ts";

export const HOST = "http://localhost";

export const randomHandle = (): string => `t_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;

/** Signs up a new person. Fast because no password is hashed, so signing in again fails unless a hash is given. */
export async function signUp(
  handle = randomHandle(),
  passwordHash = "not a hash",
): Promise<{ person: PersonCard; token: string }> {
  const person = { id: await claimHandle(env, handle), handle, name: `Name of ${handle}` };
  const token = await createPerson(env, person, passwordHash);
  if (!token) throw new Error(`${handle} was not created`);
  return { person, token };
}

/**
 * `body` is sent as JSON, `raw` as it is. `asAnybody` sends no consistency token, so cached public responses may be
 * served.
 */
export type RequestOptions = {
  token?: string;
  body?: unknown;
  raw?: BodyInit;
  headers?: Record<string, string>;
  env?: Env;
  asAnybody?: boolean;
  /** Called when there is a response, before the work that continues after it. */
  onResponse?: () => void;
  /** The origin of the request as Cloudflare reports it. */
  cf?: Partial<IncomingRequestCfProperties>;
};

const queuedEnv = withQueuedFacts(env);

/**
 * Sends a request to the API in the session of `token`, and waits for the work that continues after the response.
 * Unless `env` is given, likes and comments go through a queue, as `withQueuedFacts` says.
 */
export async function ask(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const context = createExecutionContext();
  const headers = {
    ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
    ...((options.body ?? options.raw) !== undefined && { "content-type": "application/json" }),
    ...(options.asAnybody !== true && { "Consistency-Token": "" }),
    ...options.headers,
  };
  const body = options.raw ?? (options.body === undefined ? null : JSON.stringify(options.body));
  const request = new Request(`${HOST}${path}`, { method, headers, body, ...(options.cf && { cf: options.cf }) });
  const response = await app.fetch(request, options.env ?? queuedEnv, context);
  options.onResponse?.();
  // A download holds its place until it is read.
  const isDownload = response.headers.get("content-type") === "application/zip";
  const read = isDownload ? new Response(await response.arrayBuffer(), response) : response;
  await waitOnExecutionContext(context);
  await checkContract(method, path, read);
  return read;
}

/** Makes a person private in D1 only, as if through another isolate and without the wait. */
export async function makePrivate({ id }: PersonCard, isPrivate = true): Promise<void> {
  await d1Of(env, id).prepare("UPDATE people SET private = ? WHERE id = ?").bind(Number(isPrivate), id).run();
}

/** Returns the status of a response, followed by the code if it is a problem: readable in a failed assertion. */
export async function outcome(response: Response): Promise<string> {
  const { code } = await response.json<{ code?: string }>();
  return code === undefined ? String(response.status) : `${response.status} ${code}`;
}
