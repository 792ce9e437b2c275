/** People for tests, and a client of the API. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { PersonCard } from "../../schema/api/people.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { app } from "../../workers/app.ts";
import { claimHandle, createPerson } from "../../workers/api/accounts/sign-up.ts";

export const HOST = "http://localhost";

export const randomHandle = (): string => `t_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;

/** A new person, signed in. Quick, because no password is hashed: signing in again is refused. */
export async function signUp(handle = randomHandle()): Promise<{ person: PersonCard; token: string }> {
  const person = { id: await claimHandle(env, handle), handle, name: `Name of ${handle}` };
  const token = await createPerson(env, person, "not a hash");
  if (!token) throw new Error(`${handle} was not created`);
  return { person, token };
}

/** `body` is sent as JSON, `raw` as it is. `asAnybody`: as somebody who has done nothing here, and may be told what others were. */
type Asked = {
  token?: string;
  body?: unknown;
  raw?: BodyInit;
  headers?: Record<string, string>;
  env?: Env;
  asAnybody?: boolean;
  /** Where Cloudflare would say that the request comes from. */
  cf?: Partial<IncomingRequestCfProperties>;
};

/** Asks the API as whoever `token` stands for, and waits for what goes on after the answer. */
export async function ask(method: string, path: string, asked: Asked = {}): Promise<Response> {
  const context = createExecutionContext();
  const headers = {
    ...(asked.token !== undefined && { authorization: `Bearer ${asked.token}` }),
    ...((asked.body ?? asked.raw) !== undefined && { "content-type": "application/json" }),
    ...(asked.asAnybody !== true && { "Consistency-Token": "" }),
    ...asked.headers,
  };
  const body = asked.raw ?? (asked.body === undefined ? null : JSON.stringify(asked.body));
  const request = new Request(`${HOST}${path}`, { method, headers, body, ...(asked.cf && { cf: asked.cf }) });
  const response = await app.fetch(request, asked.env ?? env, context);
  await waitOnExecutionContext(context);
  return response;
}

/** Makes somebody private, in D1 alone: as another isolate has, and without the time that it takes. */
export async function hide({ id }: PersonCard, isPrivate = true): Promise<void> {
  await databaseOf(env, id).prepare("UPDATE people SET private = ? WHERE id = ?").bind(Number(isPrivate), id).run();
}

/** What is told of an answer in a test's failure: its status, and the code of a refusal. */
export async function outcome(response: Response): Promise<string> {
  const { code } = await response.json<{ code?: string }>();
  return code === undefined ? String(response.status) : `${response.status} ${code}`;
}
