import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import type { PersonCard, Profile } from "../../../schema/api/people.ts";
import { d1Of } from "../../../tests/runtime/stores/d1.ts";
import { ask, outcome, randomHandle, signUp } from "../../../tests/runtime/world/people.ts";
import { peopleByIds } from "../../../schema/d1/person-cards.ts";

type Page = { items: PersonCard[]; next?: string };

/** Reads all pages of a list; returns the ids and the length of each page. */
async function walk(path: string, limit: number): Promise<{ ids: string[]; lengths: number[] }> {
  const [ids, lengths]: [string[], number[]] = [[], []];
  for (let cursor: string | undefined; ;) {
    const query = `limit=${limit}${cursor === undefined ? "" : `&cursor=${cursor}`}`;
    const page = await (await ask("GET", `${path}?${query}`)).json<Page>();
    ids.push(...page.items.map(({ id }) => id));
    lengths.push(page.items.length);
    if (page.next === undefined) return { ids, lengths };
    cursor = page.next;
  }
}

async function follow(token: string, { handle }: PersonCard): Promise<void> {
  expect(await outcome(await ask("PUT", `/v1/people/${handle}/follow`, { token }))).toBe("200");
}

const YEAR = 365 * 86_400_000; // ms

afterEach(() => {
  vi.useRealTimers();
});

it("lists the newest people of all databases, newest first", async () => {
  // Later than any sign-up of another test.
  vi.useFakeTimers({ now: Date.now() + 20 * YEAR, toFake: ["Date"] });
  const made: string[] = [];
  for (let index = 0; index < 5; index += 1) made.unshift((await signUp()).person.id);
  const page = await (await ask("GET", "/v1/people?limit=5")).json<Page>();
  expect(page.items.map(({ id }) => id).sort()).toEqual([...made].sort());
  expect(page.items.map(({ id }) => id)).toEqual(
    page.items
      .map(({ id }) => id)
      .sort()
      .reverse(),
  );
  expect(page.next).toBeUndefined();
  for (const limit of ["0", "51", "-1", "1e9", "x"]) {
    expect(await outcome(await ask("GET", `/v1/people?limit=${limit}`)), limit).toBe("422 invalid_request");
  }
});

it("shows a profile, and whether the viewer follows it", async () => {
  const [ada, ben] = [await signUp(), await signUp()];
  await follow(ben.token, ada.person);
  const seen = async (token?: string) =>
    (await ask("GET", `/v1/people/${ada.person.handle}`, token === undefined ? {} : { token })).json<Profile>();
  await vi.waitFor(async () => expect((await seen()).followers).toBe(1));
  const relation = { requestedByMe: false, bellByMe: false, mutedByMe: false, blockedByMe: false };
  const profile = { ...ada.person, bio: "", posts: 0, followers: 1, following: 0, private: false, ...relation };
  expect(await seen()).toEqual({ ...profile, followedByMe: false });
  expect(await seen(ada.token)).toEqual({ ...profile, followedByMe: false });
  expect(await seen(ben.token)).toEqual({ ...profile, followedByMe: true });
});

it("returns 404 for an unknown handle", async () => {
  for (const path of ["", "/followers", "/following"]) {
    const response = await ask("GET", `/v1/people/${randomHandle()}${path}`);
    expect(await outcome(response), path).toBe("404 person_not_found");
  }
});

it("lists followers and followed people page by page, each once", async () => {
  const ada = await signUp();
  const others = await Promise.all(Array.from({ length: 7 }, () => signUp()));
  for (const other of others) {
    await follow(other.token, ada.person);
    await follow(ada.token, other.person);
  }
  const ids = others.map(({ person }) => person.id);
  const path = `/v1/people/${ada.person.handle}`;
  await vi.waitFor(async () => expect((await walk(`${path}/followers`, 50)).ids).toHaveLength(7));

  const followers = await walk(`${path}/followers`, 3);
  expect(followers.ids.sort()).toEqual([...ids].sort());
  expect(followers.lengths).toEqual([3, 3, 1]);
  const following = await walk(`${path}/following`, 7);
  expect(following.ids).toEqual([...ids].sort().reverse());
  expect(following.lengths).toEqual([7]);

  // A page continues where the last one ended, even though that person is no longer in the list.
  const first = await (await ask("GET", `${path}/following?limit=3`)).json<Page>();
  const last = first.items.at(-1);
  await ask("DELETE", `/v1/people/${last?.handle}/follow`, { token: ada.token });
  const rest = await (await ask("GET", `${path}/following?limit=50&cursor=${first.next}`)).json<Page>();
  expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(following.ids);
});

it("rejects a foreign cursor", async () => {
  const { person } = await signUp();
  for (const cursor of ["x", "W10", "WyInIl0", btoa('["x"]')]) {
    const response = await ask("GET", `/v1/people/${person.handle}/followers?cursor=${encodeURIComponent(cursor)}`);
    expect(await outcome(response), cursor).toBe("400 invalid_cursor");
  }
});

it("reads many people at once, and leaves out those who do not exist", async () => {
  const made = await Promise.all(Array.from({ length: 12 }, () => signUp()));
  const ids = made.map(({ person }) => person.id);
  const gone = await signUp();
  await d1Of(env, gone.person.id).prepare("DELETE FROM people WHERE id = ?").bind(gone.person.id).run();
  const cards = await peopleByIds(env, [...ids, ...ids, gone.person.id]);
  expect([...cards.values()].sort(byId)).toEqual(made.map(({ person }) => person).sort(byId));
  expect(await peopleByIds(env, [])).toEqual(new Map());
});

const byId = (a: PersonCard, b: PersonCard) => (a.id < b.id ? -1 : 1);
