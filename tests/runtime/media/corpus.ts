/** The corpus of files of other projects, which vitest.config.ts binds if it is present. */
import { env } from "cloudflare:workers";
import type { Media } from "../../../schema/api/media.ts";
import { codeOf, effectOf, openSession, requestAs, upload } from "./media.ts";
import { newPerson } from "../world/posts.ts";
import { inspectMedia } from "../../../workers/media/inspection/inspect.ts";

const { CORPUS, WHOLE_CORPUS } = env as Env & { CORPUS?: Fetcher; WHOLE_CORPUS: string };
/** With `WHOLE_CORPUS=1` all files go through the decoder, which takes minutes; otherwise a sample. */
export const IS_WHOLE = WHOLE_CORPUS !== "";
const ONE_DATABASE = env.SHARDS === "DB";

/** Whether the corpus tests run. They take a minute, and the number of databases makes no difference to them. */
export const HAS_CORPUS = CORPUS !== undefined && ONE_DATABASE;
if (!CORPUS) console.warn("SKIPPED: ../shared/corpus is missing, so files of other projects are not tested");

/** Reads one file of the corpus. */
export async function file(path: string): Promise<ArrayBuffer> {
  const response = await CORPUS?.fetch(`http://corpus/${path.replaceAll("#", "%23")}`);
  if (!response?.ok) throw new Error(`no file ${path} in the corpus`);
  return response.arrayBuffer();
}

/** Uploads and inspects a file of a new person, who has a session. Returns its final state, the code of its rejection, or the code of a refused upload. */
export async function outcome(bytes: ArrayBuffer): Promise<{ code: string; media?: Media }> {
  const person = newPerson();
  await openSession(person);
  const response = await upload(person, bytes);
  if (response.status !== 201) return { code: await codeOf(response) };
  const { id } = await response.json<Media>();
  await inspectMedia(env, await effectOf(id));
  const media = await (await requestAs(person, `/v1/media/${id}`)).json<Media>();
  return { code: media.rejection?.code ?? media.state, media };
}

/** Reads the expected outcome of each file of a folder, by path. */
async function expected<T>(folder: string): Promise<[path: string, T][]> {
  const text = new TextDecoder().decode(await file(`${folder}/expected.json`));
  return Object.entries(JSON.parse(text) as Record<string, T>).map(([name, known]) => [`${folder}/${name}`, known]);
}

/** Runs `look` on each file of a folder that is in the sample, four at a time, and returns its results in order. */
export async function eachFile<T, R>(
  folder: string,
  look: (path: string, known: T, bytes: ArrayBuffer) => Promise<R>,
  inSample: (known: T, index: number) => boolean = () => true,
) {
  const results: R[] = [];
  const files = (await expected<T>(folder)).filter(([, known], index) => IS_WHOLE || inSample(known, index));
  while (files.length > 0) {
    const few = files.splice(0, 4);
    results.push(...(await Promise.all(few.map(async ([path, known]) => look(path, known, await file(path))))));
  }
  return results;
}
