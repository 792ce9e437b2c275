/** For tests: the files of other projects, which vitest.config.ts binds when they are there. */
import { env } from "cloudflare:workers";
import type { Media } from "../../schema/api/media.ts";
import { as, codeOf, effectOf, upload } from "./media.ts";
import { newPerson } from "./posts.ts";
import { inspectMedia } from "../../workers/media/inspection/inspect.ts";

const { CORPUS, WHOLE_CORPUS } = env as Env & { CORPUS?: Fetcher; WHOLE_CORPUS: string };
/** With `WHOLE_CORPUS=1` all files go through the decoder, which takes minutes; otherwise a sample. */
export const IS_WHOLE = WHOLE_CORPUS !== "";
const ONE_DATABASE = env.SHARDS === "DB";

/** Whether to run. Once is enough: where the rows lie makes no difference to a file, and this takes a minute. */
export const HAS_CORPUS = CORPUS !== undefined && ONE_DATABASE;
if (!CORPUS) console.warn("SKIPPED: ../shared/corpus is not there, so no file of another project is tested");

export async function file(path: string): Promise<ArrayBuffer> {
  const response = await CORPUS?.fetch(`http://corpus/${path.replaceAll("#", "%23")}`);
  if (!response?.ok) throw new Error(`no file ${path} in the corpus`);
  return response.arrayBuffer();
}

/** How an upload ends: as a media file that is ready or rejected, or with a refusal at once. Never in between. */
export async function outcome(bytes: ArrayBuffer): Promise<{ code: string; media?: Media }> {
  const person = newPerson();
  const response = await upload(person, bytes);
  if (response.status !== 201) return { code: await codeOf(response) };
  const { id } = await response.json<Media>();
  await inspectMedia(env, await effectOf(id));
  const media = await (await as(person, `/v1/media/${id}`)).json<Media>();
  return { code: media.rejection?.code ?? media.state, media };
}

/** What is known of each file of a folder, by its path. */
async function expected<T>(folder: string): Promise<[path: string, T][]> {
  const text = new TextDecoder().decode(await file(`${folder}/expected.json`));
  return Object.entries(JSON.parse(text) as Record<string, T>).map(([name, known]) => [`${folder}/${name}`, known]);
}

/** What `look` makes of each file of a folder that is in the sample: a few at a time, in their order. */
export async function each<T, R>(
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
