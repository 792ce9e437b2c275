import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { bindingOf } from "../../schema/d1/shards.ts";
import { makePrivate, signUp } from "../../tests/runtime/world/people.ts";
import { newPerson } from "../../tests/runtime/world/posts.ts";
import { readerFor } from "../../tests/runtime/world/reader.ts";
import { sightFor } from "./visibility.ts";

it("takes nobody for a follower because an older post of the same author says so", async () => {
  const { person } = await signUp();
  await makePrivate(person);
  const viewer = newPerson(); // The author has removed them as a follower.
  const audience = (mark: string) => ({ isPrivate: true, isBarred: false, marks: { [bindingOf(env, viewer)]: mark } });
  const [before, removed] = ["0000003b", "0000003c"];
  // As read by a replica, where the viewer still followed, before the removal; and after it.
  const old = { author: person.id, audience: audience("00000024"), followedAt: before };
  const edited = { author: person.id, audience: audience(removed), followedAt: before };
  expect((await sightFor(readerFor(viewer), [old])).followed).toEqual(new Set([person.id]));
  for (const posts of [[edited], [old, edited], [edited, old]]) {
    expect((await sightFor(readerFor(viewer), posts)).followed).toEqual(new Set());
  }
});
