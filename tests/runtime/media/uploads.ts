/** A tus client and files of any size, for tests. */
import { env } from "cloudflare:workers";
import type { PersonCard } from "../../../schema/api/people.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { d1Of } from "../stores/d1.ts";
import { originalKey } from "../../../workers/media/files/objects.ts";
import { ask, signUp } from "../world/people.ts";

/** A queue that delivers nothing, so that an upload stays in its state after sending. */
const KEEPS_QUIET = { send: () => Promise.resolve() } as unknown as Queue;
export const quietEnv: Env = { ...env, INSPECTIONS: KEEPS_QUIET, VIDEO_INSPECTIONS: KEEPS_QUIET };

export const CHUNK = "application/offset+octet-stream";

export type Client = Awaited<ReturnType<typeof newClient>>;

/** Signs up a person who uploads by tus. */
export async function newClient(bindings = quietEnv) {
  const { person, token }: { person: PersonCard; token: string } = await signUp();
  const call = (method: string, path: string, headers: Record<string, string> = {}, raw?: BodyInit) =>
    ask(method, path, {
      token,
      env: bindings,
      headers: { "Tus-Resumable": "1.0.0", "content-type": CHUNK, ...headers },
      ...(raw !== undefined && { raw }),
    });
  return {
    person,
    token,
    call,
    begin: async (bytes: number, headers: Record<string, string> = {}, raw?: BodyInit) =>
      call("POST", "/v1/uploads", { "Upload-Length": String(bytes), ...headers }, raw),
    /** Begins an upload and returns its id. */
    begun: async (bytes: number): Promise<MediaId> => {
      const response = await call("POST", "/v1/uploads", { "Upload-Length": String(bytes) });
      return (response.headers.get("location") ?? `${response.status}`).split("/").at(-1) as MediaId;
    },
    patch: (id: MediaId, offset: number, raw: BodyInit, headers: Record<string, string> = {}) =>
      call("PATCH", `/v1/uploads/${id}`, { "Upload-Offset": String(offset), ...headers }, raw),
    head: (id: MediaId) => call("HEAD", `/v1/uploads/${id}`),
    /** Returns the offset of an upload. */
    offset: async (id: MediaId): Promise<number> => {
      const response = await call("HEAD", `/v1/uploads/${id}`);
      return Number(response.headers.get("upload-offset") ?? `NaN of ${response.status}`);
    },
    end: (id: MediaId) => call("DELETE", `/v1/uploads/${id}`),
  };
}

/** Makes a file of noise that begins with `start`, by default the signature of a PNG. */
export function fileOf(bytes: number, start = "\x89PNG\r\n\x1a\n"): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(file.subarray(at, at + 65_536));
  file.set(Uint8Array.from(start, (character) => character.charCodeAt(0)).subarray(0, bytes));
  return file;
}

export const MP4 = "\0\0\0\x14ftypisom\0\0\0\0mp41";

/** Returns the digest of the original in R2. Tests compare digests, since a failure would print megabytes. */
export async function storedDigest(id: MediaId): Promise<string | undefined> {
  const object = await env.MEDIA.get(originalKey(id));
  return object ? digestOf(new Uint8Array(await object.arrayBuffer())) : undefined;
}

/** Returns the length and the SHA-256 hash of bytes. */
export const digestOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  `${bytes.length} ${new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex()}`;

/** Reads the media row of an upload. */
export const mediaRowOf = (id: MediaId) =>
  d1Of(env, id)
    .prepare("SELECT state, bytes, content_type AS type, look_at AS lookAt FROM media WHERE id = ?")
    .bind(id)
    .first<{ state: string; bytes: number; type: string; lookAt: number }>();

/**
 * Makes a body that arrives in chunks of `size` bytes and fails after `until` bytes, or, with `hangs`, stalls there.
 */
export function bodyOf(
  bytes: Uint8Array<ArrayBuffer>,
  { size = 64 * 1024, until = bytes.length, hangs = false }: { size?: number; until?: number; hangs?: boolean } = {},
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at < until) {
          const chunk = bytes.slice(at, Math.min(at + size, until));
          at += chunk.length;
          controller.enqueue(chunk);
          return undefined;
        }
        if (hangs) return new Promise(() => undefined);
        if (until < bytes.length) controller.error(new Error("connection lost"));
        else controller.close();
        return undefined;
      },
    },
    { highWaterMark: 0 },
  );
}
