/**
 * What nobody in particular is answered: a post, its comments, a person and their posts, the same for all who are not
 * signed in. Whole answers are kept as bytes in the isolate's memory, and behind it in the data centre's cache: for FRESH
 * as they are; for a while longer too, and made anew in the background; and when they cannot be made anew, for as long as
 * there is nothing better, marked as stale. Many who ask at once are answered by one of them.
 */
import type { PersonId, PostId } from "../../schema/ids.ts";
import { CONSISTENCY_TOKEN } from "../storage/consistency.ts";
import { Flights } from "../storage/flights.ts";
import { Memory } from "../storage/memory.ts";
import { mayBePrivate } from "../reads/private-accounts.ts";
import { Reader } from "../storage/reader.ts";
import { isMatch } from "../http/etags.ts";
import { aboutWhom, ADDRESS_MAX, ANYBODY, forgetAnswer, keepAnswer, keptAnswer } from "./kept-answers.ts";
import { STALE } from "./reading.ts";
import { isAnonymous } from "../http/session-cookie.ts";

/**
 * With the next, and with the second that counts may be old: how old a public answer is at most, and so how long a deleted
 * post is still shown to who has no account.
 */
const FRESH = 2000; // ms
const STALE_WHILE_REVALIDATE = 2000; // ms
/** How long what failed is not tried again, when there is an older answer. */
const SPARED_FOR = 1000; // ms
const ANSWERS_MAX = 2000;
const CHANGES_MAX = 10_000;
/** A larger one is made each time: together they would take more than a fifth of the isolate's 128 MB. */
const BYTES_MAX = 16_000;

const PUBLIC =
  /^https?:\/\/[^/]+\/v1\/(?:posts\/\w{13}(?:\/comments(?:\/\w{13}\/replies)?)?|people\/\w+(?:\/posts)?)(?:\?|$)/;

/**
 * `shared`: those that go with it as long as it is fresh, made once: they cost more than anything else of a hot answer.
 * `about`: whose posts it shows.
 */
type Answer = {
  status: number;
  bytes: ArrayBuffer;
  headers: Record<string, string>;
  shared: Headers;
  about: PersonId | undefined;
};
type Make = (request: Request, env: Env, context: ExecutionContext) => Response | Promise<Response>;

const answers = new Memory<string, Answer>(ANSWERS_MAX);
/** So that a like need not look through all answers for those of its post, nor who becomes private for theirs. */
const changed = new Memory<PostId | PersonId, true>(CHANGES_MAX);
const failures = new Memory<string, true>(ANSWERS_MAX);
const flights = new Flights<string, Answer>();

/** Answers in place of `make` where it can. Costs nothing while the answer is in memory, and one look into the cache when it is not. */
export async function publicAnswer(
  make: Make,
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  if (!isForAnybody(request)) return make(request, env, context);
  const { url } = request;
  const now = Date.now();
  const last = answers.get(url);
  const known = last && !isOutdated(url, last) ? last : undefined;
  const age = known ? now - known.at : Number.POSITIVE_INFINITY;
  if (known && age < FRESH) return answered(request, known.value, known.value.shared);

  const renewed = () =>
    flights.read(
      context,
      [url],
      async () => new Map([[url, await made(make, url, env, context, known !== undefined)]]),
    );
  if (known && age < FRESH + STALE_WHILE_REVALIDATE) {
    if (!flights.has(url)) context.waitUntil(renewed());
    return answered(request, known.value, aged(known.value, age));
  }
  const failed = failures.get(url);
  const isSpared = failed !== undefined && now - failed.at < SPARED_FOR;
  const answer = known && isSpared ? undefined : (await renewed()).get(url);
  if (answer && answer.status < 500) return answered(request, answer, answer.headers);

  failures.set(url, true);
  const stale = known ?? (await fromCache(url));
  if (stale && !isOutdated(url, stale) && !(await mayBeHidden(stale.value, env, context)))
    return answered(request, stale.value, { ...aged(stale.value, Date.now() - stale.at), "cache-status": STALE });
  return answer ? answered(request, answer, answer.headers) : make(request, env, context);
}

/** After a change to a post: this isolate shows it at once. */
export const forgetAnswers = (post: PostId): void => changed.set(post, true);

/** After a person has become private, or public: likewise. */
export const forgetAnswersOf = (person: PersonId): void => changed.set(person, true);

/** Whether what was made of a post, or shows posts of a person, is older than a change that was made here. */
function isOutdated(url: string, { value: { about }, at }: { value: Answer; at: number }): boolean {
  const [, post] = /\/posts\/(\w{13})/.exec(url) ?? [];
  const changes = [post, about].map((id) => (id === undefined ? undefined : changed.get(id as PostId | PersonId)));
  return changes.some((change) => change !== undefined && change.at >= at);
}

/** While the databases are down, nobody but KV knows who has become private since. */
const mayBeHidden = async ({ about }: Answer, env: Env, context: ExecutionContext): Promise<boolean> =>
  about !== undefined && (await mayBePrivate(new Reader(env, context), [about]));

const isForAnybody = ({ method, url, headers }: Request): boolean =>
  method === "GET" &&
  url.length <= ADDRESS_MAX &&
  PUBLIC.test(url) &&
  isAnonymous(headers) &&
  !headers.has(CONSISTENCY_TOKEN);

/** Made anew, and kept for when it cannot be; or what another isolate has made just now, if this one has none yet. */
async function made(make: Make, url: string, env: Env, context: ExecutionContext, isKnown: boolean): Promise<Answer> {
  const cached = isKnown ? undefined : await fromCache(url);
  if (cached && Date.now() - cached.at < FRESH && !isOutdated(url, cached)) {
    answers.set(url, cached.value, cached.at);
    return cached.value;
  }
  const begun = Date.now();
  const request = new Request(url);
  const response = await make(request, env, context);
  const bytes = await response.arrayBuffer();
  const about = aboutWhom.get(request);
  const answer = await answerOf(response, bytes, about);
  if (answer.status === 200 && bytes.byteLength <= BYTES_MAX) {
    answers.set(url, answer, begun); // A change since then it may not show.
    const isStale = response.headers.has("cache-status");
    if (!isStale) keepAnswer(context, ANYBODY, url, () => new Response(bytes, { headers: answer.headers }), about);
  } else if (answer.status === 404) {
    // What was there before is not the last answer any more.
    answers.delete(url);
    forgetAnswer(context, ANYBODY, url);
  }
  return answer;
}

async function fromCache(url: string): Promise<{ value: Answer; at: number } | undefined> {
  const kept = await keptAnswer(ANYBODY, url);
  if (!kept) return undefined;
  const { response, at, about } = kept;
  try {
    return { value: await answerOf(response, await response.arrayBuffer(), about), at };
  } catch {
    return undefined; // Half of it is none of it.
  }
}

async function answerOf(response: Response, bytes: ArrayBuffer, about: PersonId | undefined): Promise<Answer> {
  const headers = await headersOf(response, bytes);
  return { status: response.status, bytes, headers, shared: new Headers({ ...headers, ...FROM_MEMORY }), about };
}

async function headersOf(response: Response, bytes: ArrayBuffer): Promise<Record<string, string>> {
  const timing = response.headers.get("server-timing");
  const mark = response.headers.get("cache-status");
  const retryAfter = response.headers.get("retry-after");
  const common = {
    "content-type": response.headers.get("content-type") ?? "application/json",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    ...(timing !== null && { "server-timing": timing }),
    ...(mark !== null && { "cache-status": mark }),
    ...(retryAfter !== null && { "retry-after": retryAfter }),
  };
  if (response.status !== 200) return { ...common, "cache-control": "no-store" };
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
  return {
    ...common,
    etag: `"${digest.toBase64({ alphabet: "base64url", omitPadding: true })}"`,
    // The client may hold it for as long as we do.
    "cache-control": `public, max-age=${FRESH / 1000}, stale-while-revalidate=${STALE_WHILE_REVALIDATE / 1000}, stale-if-error=86400`,
    vary: `Authorization, Cookie, ${CONSISTENCY_TOKEN}`,
  };
}

const FROM_MEMORY = { "server-timing": "memory" };

const aged = ({ headers }: Answer, age: number): Record<string, string> => ({
  ...headers,
  ...FROM_MEMORY,
  age: String(Math.floor(age / 1000)),
});

function answered(request: Request, { status, bytes, headers: { etag } }: Answer, headers: HeadersInit): Response {
  const isKnown = etag !== undefined && isMatch(request.headers, etag);
  return isKnown ? new Response(null, { status: 304, headers }) : new Response(bytes, { status, headers });
}
