import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Me } from "../../schema/api/people.ts";
import { ALBUM_MAX, type CommentPage, type Post } from "../../schema/api/posts.ts";
import { ALT, text } from "../../schema/text.ts";
import { project } from "../../workers/projector/projector.ts";
import { eachFile, file, HAS_CORPUS } from "./media/corpus.ts";
import { flush, recordQueues } from "./queues/facts.ts";
import { ask, signUp } from "./world/people.ts";
import { readyMedia } from "./world/posts.ts";

let queues: ReturnType<typeof recordQueues>;
beforeEach(() => {
  queues = recordQueues();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Returns text as it is stored: in NFC, with LF line ends, trimmed. */
const normalized = (given: string): string => given.normalize("NFC").replaceAll("\r\n", "\n").trim();

describe.skipIf(!HAS_CORPUS)("texts and JSON of other projects", () => {
  let strings: string[];
  beforeAll(async () => {
    strings = JSON.parse(new TextDecoder().decode(await file("text/blns/blns.json"))) as string[];
    expect(strings).toHaveLength(515);
  });

  it("returns every accepted naughty string in a post unchanged", async () => {
    const { person, token } = await signUp();
    const media = await Promise.all(Array.from({ length: ALBUM_MAX }, () => readyMedia(person.id)));
    const accepted = strings.filter((given) => text(ALT).safeParse(given).success);
    expect(accepted).toHaveLength(499);
    while (accepted.length > 0) {
      const few = accepted.splice(0, ALBUM_MAX);
      const alts = few.map((alt, index) => ({ id: media[index], alt }));
      const caption = few.join("\n");
      const published = await ask("POST", "/v1/posts", { token, body: { caption, media: alts } });
      const { id } = await published.json<Post>();
      const read = await (await ask("GET", `/v1/posts/${id}`)).json<Post>();
      expect(read.caption).toBe(normalized(caption));
      expect(read.media.map(({ alt }) => alt)).toEqual(few.map(normalized));
    }
  });

  it("returns every naughty comment unchanged, or rejects it", async () => {
    const { person, token } = await signUp();
    const body = { media: [{ id: await readyMedia(person.id) }] };
    const { id } = await (await ask("POST", "/v1/posts", { token, body })).json<Post>();
    const comments: string[] = [];
    let refused = 0;
    for (const given of strings) {
      const { status } = await ask("POST", `/v1/posts/${id}/comments`, { token, body: { text: given } });
      if (status === 201) comments.push(normalized(given));
      if (status === 422) refused += 1;
    }
    expect([comments.length, refused]).toEqual([497, 18]);
    expect(await projectedComments(id)).toEqual(comments);
  });

  it("returns every naughty bio unchanged and every name with plain spaces, or rejects it", async () => {
    const { token } = await signUp();
    const edit = (body: object) => ask("PATCH", "/v1/me", { token, body });
    const refused = { name: 0, bio: 0 };
    for (const given of strings) {
      const both = await edit({ name: given, bio: given });
      if (both.status === 200) {
        const name = normalized(given).replaceAll(/\p{Zs}+/gu, " ");
        expect(await both.json<Me>()).toMatchObject({ name, bio: normalized(given) });
        continue;
      }
      refused.name += 1; // A name has the narrower limits, and shows every character.
      const bio = await edit({ bio: given });
      if (bio.status === 200) expect(await bio.json<Me>()).toMatchObject({ bio: normalized(given) });
      else refused.bio += 1;
    }
    expect(refused).toEqual({ name: 170, bio: 16 });
  });

  it("parses valid JSON, rejects invalid JSON, and never fails", async () => {
    const { token } = await signUp();
    const wrong = await eachFile<"accept" | "reject" | "either", string[]>("text", async (path, verdict, raw) => {
      const { status } = await ask("PATCH", "/v1/me", { token, raw });
      const fine = { accept: [200, 422], reject: [400, 413], either: [200, 400, 422] }[verdict];
      return fine.includes(status) ? [] : [`${path}: ${status}`];
    });
    expect(wrong.length).toBeGreaterThan(300);
    expect(wrong.flat()).toEqual([]);
  });
});

/** Projects all comments of a post and reads them from D1. */
async function projectedComments(post: Post["id"]): Promise<string[]> {
  const actor = env.POSTS.getByName(post);
  for (;;) {
    await flush(actor);
    const facts = queues.facts.splice(0);
    if (facts.length === 0) break;
    await project(env, facts);
  }
  const texts: string[] = [];
  for (let cursor: string | undefined; ;) {
    const query = cursor === undefined ? "" : `&cursor=${cursor}`;
    const page = await (await ask("GET", `/v1/posts/${post}/comments?limit=50${query}`)).json<CommentPage>();
    texts.push(...page.items.map(({ text }) => text));
    if (page.next === undefined) return texts;
    cursor = page.next;
  }
}
