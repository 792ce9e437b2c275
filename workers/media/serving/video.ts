/** Serves a video, whole or by ranges, streamed from the bucket and never held in memory. */
import type { Context } from "hono";
import { z } from "zod";
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { problem } from "../../http/problems.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { hasSameEtag } from "../../http/etags.ts";
import type { App } from "../../http/routes.ts";
import { Memory } from "../../storage/memory.ts";
import { videoKey } from "../files/objects.ts";
import type { Access } from "./access.ts";
import { headersFor } from "./headers.ts";
import { rangeOf } from "./ranges.ts";

/** The only types that a video is served as, whatever its object says. */
const ServedType = z.enum(["video/mp4", "video/webm"]);

type Video = { bytes: number; etag: string; type: z.infer<typeof ServedType> };

/** How many videos an isolate remembers. A player requests many ranges of one video, and a video never changes. */
const REMEMBERED = 1000;
const videos = new Memory<MediaId, Video>(REMEMBERED);

/** Serves a video. Costs one read of the bucket, and one HEAD before an isolate's first read, for the length. */
export async function serveVideo(c: Context<App>, access: Access, id: MediaId): Promise<Response> {
  if (!access.isVideo) throw new Refusal("media_not_found");
  const video = await known(c.env, id);
  const { bytes, etag, type } = video;
  const headers = { ...headersFor(access), "content-type": type, "accept-ranges": "bytes", etag };
  if (hasSameEtag(c.req.raw.headers, etag)) return new Response(null, { status: 304, headers });

  const range = allowsRange(c.req.header("if-range"), etag) ? rangeOf(c.req.header("range"), bytes) : undefined;
  // RFC 9110 defines no ranges for HEAD.
  if (c.req.method === "HEAD") return new Response(null, { headers: { ...headers, "content-length": String(bytes) } });
  if (range === "unsatisfiable") {
    const refusal = problem(new Refusal("range_not_satisfiable"), c);
    refusal.headers.set("content-range", `bytes */${bytes}`);
    return refusal;
  }
  const body = await read(c.env, id, video, range);
  if (!range) return new Response(body, { headers: { ...headers, "content-length": String(bytes) } });
  const { offset, length } = range;
  return new Response(body, {
    status: 206,
    headers: {
      ...headers,
      "content-length": String(length),
      "content-range": `bytes ${offset}-${offset + length - 1}/${bytes}`,
    },
  });
}

/** A range must be of the version that the client already has a part of. Weak tags and dates do not prove that. */
const allowsRange = (ifRange: string | undefined, etag: string): boolean => ifRange === undefined || ifRange === etag;

async function known(env: Env, id: MediaId): Promise<Video> {
  const remembered = videos.get(id);
  if (remembered) return remembered.value;
  const object = await within(STORE_TIMEOUT, env.MEDIA.head(videoKey(id)), "R2");
  if (!object) throw new Refusal("media_not_found");
  const type = ServedType.parse(object.httpMetadata?.contentType);
  const video = { bytes: object.size, etag: object.httpEtag, type };
  videos.set(id, video);
  return video;
}

async function read(env: Env, id: MediaId, video: Video, range?: R2Range): Promise<ReadableStream> {
  const options = { ...(range && { range }), onlyIf: { etagMatches: video.etag.replaceAll('"', "") } };
  const object = await within(STORE_TIMEOUT, env.MEDIA.get(videoKey(id), options), "R2");
  if (object && "body" in object) return object.body;
  videos.delete(id); // It is gone.
  throw new Refusal("media_not_found");
}
