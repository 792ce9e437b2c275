/** Random histories of what people do and read. */
import fc from "fast-check";
import type { Edge } from "./edges.ts";
import type { Person, Read, World } from "./world.ts";

export const PEOPLE = 3;
/** Stands for an anonymous viewer in the place of a person. */
const ANYBODY = PEOPLE;

/** `at` is the edge that serves a step, and `seed` decides which replicas it reads. People and posts are numbers. */
type Place = { at: number; seed: number };
type Exclusion = Place & ({ do: "block" | "remove" | "unfollow"; by: number; to: number } | { do: "hide"; by: number });
type Inclusion = Place &
  (
    | { do: "unblock" | "follow" | "accept" | "decline"; by: number; to: number }
    | { do: "open" | "sign out"; by: number }
  );
/** `post` is one of those that `by` has published, or for a comment one of those of `to`. */
type Publication = Place &
  (
    | { do: "publish"; by: number }
    | { do: "edit" | "delete"; by: number; post: number }
    | { do: "comment"; by: number; to: number; post: number }
  );
type Delivery = Place & { do: "deliver" };
type Change = Exclusion | Inclusion | Publication | Delivery;

const ROUTES = ["post", "comments", "likes", "posts", "profile", "feed", "notifications"] as const;
/** A read of something of the person `of`. */
type Look = Place & {
  do: "read";
  by: number;
  route: (typeof ROUTES)[number];
  of: number;
  post: number;
  hasToken: boolean;
};
type Wait = { do: "wait"; ms: number };
/** A read, one database call of which waits until the changes, at another edge, are acknowledged. */
type Around = { do: "read around"; read: Look; call: number; meanwhile: Change[] };
export type Step = Change | Look | Wait | Around;

const { nat, constantFrom, record } = fc;
const person = nat({ max: PEOPLE - 1 });
const viewer = nat({ max: ANYBODY });
const post = nat({ max: 2 });
const place = { at: nat({ max: 2 }), seed: nat() };
const doing = <What extends Step["do"]>(...what: What[]) => ({ ...place, do: constantFrom(...what) });

const exclusion: fc.Arbitrary<Exclusion> = fc.oneof(
  record({ ...doing("block", "remove", "unfollow"), by: person, to: person }),
  record({ ...doing("hide"), by: person }),
);
const inclusion: fc.Arbitrary<Inclusion> = fc.oneof(
  record({ ...doing("unblock", "follow", "accept", "decline"), by: person, to: person }),
  record({ ...doing("open", "sign out"), by: person }),
);
const publication: fc.Arbitrary<Publication> = fc.oneof(
  record({ ...doing("publish"), by: person }),
  { weight: 3, arbitrary: record({ ...doing("edit"), by: person, post }) },
  { weight: 2, arbitrary: record({ ...doing("comment"), by: person, to: person, post }) },
);
const delivery: fc.Arbitrary<Delivery> = record(doing("deliver"));
const wait: fc.Arbitrary<Wait> = record({
  do: constantFrom("wait"),
  ms: fc.oneof(nat({ max: 500 }), nat({ max: 3000 })),
});
const look: fc.Arbitrary<Look> = record({
  ...doing("read"),
  by: viewer,
  route: constantFrom(...ROUTES),
  of: person,
  post,
  hasToken: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: look },
  { weight: 2, arbitrary: publication },
  exclusion,
  inclusion,
  delivery,
  wait,
  record({ ...doing("delete"), by: person, post }),
);

/** The people of an exclusion: the viewer is one of the others, or anonymous. */
const pair = fc
  .tuple(person, nat({ max: PEOPLE - 1 }))
  .map(([author, offset]) => ({ author, other: (author + 1 + offset) % (PEOPLE + 1) }));

/**
 * Somebody is excluded, and then something is published that they must not see. They look before and after, or begin to
 * look before and get their answer after.
 */
const exclusions: fc.Arbitrary<Step[]> = record({
  pair,
  how: record(doing("block", "remove", "hide")),
  isByOther: fc.boolean(),
  publishing: record({ ...doing("edit", "edit", "comment", "publish", "publish"), post: constantFrom(0) }),
  delivered: fc.option(delivery, { freq: 1 }),
  waits: fc.tuple(fc.option(wait, { freq: 1 }), fc.option(wait, { freq: 1 })),
  looks: fc.tuple(fc.tuple(look, look), fc.tuple(look, look, look, look)),
  heldAt: fc.option(nat({ max: 5 }), { freq: 1 }),
}).map(({ pair: { author, other }, how, isByOther, publishing, delivered, waits, looks, heldAt }) => {
  const to = (actor: number, other: number) => ({ at: how.at, seed: how.seed, by: actor, to: other });
  const hide: Exclusion = { ...to(author, author), do: "hide" };
  const kind = other === ANYBODY ? "hide" : how.do;
  // Until the exclusion, the viewer may see the author's posts.
  const allowed: Change[] = [
    { ...to(author, other), do: "unblock" },
    { ...to(other, author), do: "unblock" },
    { ...to(author, author), do: "open" },
    ...(kind === "remove" ? [{ ...to(other, author), do: "follow" } as const, hide] : []),
    // The author can remove only a follower that they know of.
    { ...to(author, author), do: "deliver" },
    ...(kind === "hide" ? [{ ...to(author, other), do: "remove" } as const] : []),
  ];
  const excludes: Change =
    kind === "hide" ? hide : { ...(isByOther && kind === "block" ? to(other, author) : to(author, other)), do: kind };
  const publishes: Change = { ...publishing, by: author, to: author };
  const background = delivered ? [delivered] : [];
  const routes = publishing.do === "comment" ? (["comments"] as const) : (["post", "posts", "feed"] as const);
  const ofAuthor = (looks: Look[]) =>
    looks.map((look): Look => ({
      ...look,
      by: other,
      of: author,
      route: routes[look.post % routes.length] ?? "post",
      post: 0,
    }));
  const [before, after] = [ofAuthor(looks[0]), ofAuthor(looks[1])];
  const [first, ...rest] = after as [Look, ...Look[]];
  const [early, late] = waits.map((wait) => (wait ? [wait] : [])) as [Wait[], Wait[]];
  const main: Step[] =
    heldAt === null
      ? [excludes, ...late, publishes, ...background, first]
      : [{ do: "read around", read: first, call: heldAt, meanwhile: [excludes, publishes, ...background] }];
  return [...allowed, ...before, ...early, ...main, ...rest];
});

export const histories: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      step.map((step) => [step]),
      exclusions,
    ),
    { minLength: 12, maxLength: 20, size: "max" },
  )
  .map((parts) => parts.flat());

/** Takes one step of a history, and judges what it shows. */
export async function take(world: World, edges: readonly Edge[], step: Step): Promise<void> {
  if (step.do === "wait") world.wait(step.ms);
  else if (step.do === "read") {
    world.reseed(step.seed);
    const read = readOf(world, step);
    const result = await world.read(edgeAt(edges, step.at), read);
    world.judge(read, result);
    world.judgeOwn(read, result);
  } else if (step.do === "read around") await readAround(world, edges, step);
  else await takeChange(world, edgeAt(edges, step.at), step);
}

const edgeAt = (edges: readonly Edge[], index: number): Edge => edges[index % edges.length] as Edge;

async function readAround(
  world: World,
  edges: readonly Edge[],
  { read: look, call, meanwhile }: Around,
): Promise<void> {
  world.reseed(look.seed);
  const edge = edgeAt(edges, look.at);
  const hold = edge.hold(call);
  const read = { ...readOf(world, look), hasToken: false };
  const answer = world.read(edge, read);
  await Promise.race([hold.reached, answer]);
  const elsewhere = edgeAt(edges, look.at + 1);
  for (const change of meanwhile) await takeChange(world, elsewhere, change);
  hold.release();
  world.judge(read, await answer);
}

function readOf(world: World, { by, route, of, post: index, hasToken }: Look): Read {
  const reader = world.people[by];
  const owner = world.people[of] as Person;
  const post = world.posts.filter(({ author }) => author === owner).at(-1 - index) ?? world.posts.at(-1);
  const own = reader && (route === "feed" || route === "notifications") ? `/${route}` : undefined;
  const paths = {
    post: post && `/posts/${post.id}`,
    comments: post && `/posts/${post.id}/comments?order=${index === 0 ? "newest" : "oldest"}`,
    likes: post && `/posts/${post.id}/likes`,
    posts: `/people/${owner.handle}/posts`,
    profile: `/people/${owner.handle}`,
    feed: own,
    notifications: own,
  };
  return { by: reader, path: paths[route] ?? paths.posts, hasToken };
}

async function takeChange(world: World, at: Edge, change: Change): Promise<void> {
  world.reseed(change.seed);
  const by = "by" in change ? world.people[change.by] : undefined;
  if (!by && change.do !== "deliver") return;
  await world.change(by, () => (by ? takeAs(world, at, by, change) : world.deliver(at)));
}

async function takeAs(world: World, at: Edge, by: Person, change: Change): Promise<void> {
  const to = "to" in change ? world.people[change.to] : by;
  const alive = world.posts.filter(({ author, isDeleted }) => author === to && !isDeleted);
  const post = "post" in change ? (alive.at(-1 - change.post) ?? alive.at(-1)) : undefined;
  switch (change.do) {
    case "publish":
      return world.publish(at, by);
    case "edit":
      return post ? world.edit(at, post) : undefined;
    case "delete":
      return post ? world.remove(at, post) : undefined;
    case "hide":
      return world.isPrivate(by) ? undefined : world.setPrivate(at, by, true);
    case "open":
      return world.isPrivate(by) ? world.setPrivate(at, by, false) : undefined;
    case "sign out":
      return world.signOut(at, by);
    case "comment":
      return post ? world.comment(at, by, post) : undefined;
    case "deliver":
      return world.deliver(at);
    case "block":
    case "unblock":
    case "follow":
    case "unfollow":
    case "accept":
    case "decline":
    case "remove":
      return to && to !== by ? world.relate(at, by, to, change.do) : undefined;
  }
}
