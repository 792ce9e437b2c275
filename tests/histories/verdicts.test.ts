/** Tiny histories with known verdicts: what the models must accept, and what each must find. */
import { expect, it } from "vitest";
import type {
  CommentOperation,
  Freshness,
  History,
  LikeOperation,
  ListOperation,
  ReadOperation,
  Recorded,
} from "./recording/history.ts";
import { verdictsOf, violated } from "./verdicts.ts";

const POST = "post";
const ADA = 0;
const BEN = 1;

/** A history whose operations follow one another without overlap, unless an operation has other times. */
const historyOf = (...operations: ((at: number) => Recorded)[]): History => ({
  posts: [{ id: POST, seq: 1 }],
  people: ["ada", "ben"],
  operations: operations.map((operation, index) => operation(index * 10)),
});

const like =
  (person: number, liked: boolean, likes: number, seq: number, changed: Partial<LikeOperation> = {}) =>
  (at: number): LikeOperation => ({
    f: "like",
    client: person,
    person,
    post: POST,
    liked,
    invoke: at,
    return: at + 5,
    answer: { liked, likes, seq },
    ...changed,
  });
const unanswered = { return: null, answer: null };

const read =
  (
    person: number,
    liked: boolean,
    likes: number,
    seq: number,
    freshness: Freshness = { kind: "actor" },
    comments = 0,
  ) =>
  (at: number): ReadOperation => ({
    f: "read",
    client: person,
    person,
    post: POST,
    freshness,
    invoke: at,
    return: at + 5,
    answer: { liked, likes, comments, seq },
  });

const comment =
  (text: string, seq: number, changed: Partial<CommentOperation> = {}) =>
  (at: number): CommentOperation => ({
    f: "comment",
    client: ADA,
    person: ADA,
    post: POST,
    text,
    requests: 1,
    lastInvoke: at,
    invoke: at,
    return: at + 5,
    answer: { id: `id of ${text}`, seq },
    ...changed,
  });

const list =
  (texts: string[], freshness: Freshness = { kind: "actor" }) =>
  (at: number): ListOperation => ({
    f: "list",
    client: BEN,
    post: POST,
    freshness,
    invoke: at,
    return: at + 5,
    answer: texts.map((text) => ({ id: `id of ${text}`, text })),
  });

const plain: Freshness = { kind: "plain" };

it.each([
  [
    "likes that are repeated and taken back",
    historyOf(
      like(ADA, true, 1, 2),
      like(ADA, true, 1, 2),
      like(BEN, true, 2, 3),
      like(ADA, false, 1, 4),
      read(BEN, true, 1, 4),
    ),
  ],
  ["a like without an answer that took effect", historyOf(like(ADA, true, 0, 0, unanswered), read(ADA, true, 1, 2))],
  [
    "a like without an answer that did not take effect",
    historyOf(like(ADA, true, 0, 0, unanswered), read(ADA, false, 0, 1), read(BEN, false, 0, 1)),
  ],
  [
    "a like without an answer that took effect late",
    historyOf(like(ADA, true, 0, 0, unanswered), read(ADA, false, 0, 1), like(BEN, true, 2, 3)),
  ],
  ["a plain read of an older state", historyOf(like(ADA, true, 1, 2), read(ADA, false, 0, 1, plain))],
  [
    "an own read without later changes by others",
    historyOf(like(ADA, true, 1, 2), like(BEN, true, 2, 3), read(ADA, true, 1, 2, { kind: "own", since: 0, seq: 2 })),
  ],
  [
    "comments, and plain reads that are behind",
    historyOf(comment("a", 2), comment("b", 3), list(["a"], plain), list([], plain), list(["a", "b"])),
  ],
  [
    "a comment requested twice and made once",
    historyOf(
      comment("a", 3, { requests: 2, lastInvoke: 12, return: 15 }),
      like(BEN, true, 1, 3),
      list(["a"]),
      read(BEN, true, 1, 3, plain, 1),
    ),
  ],
  [
    "a comment without an answer that took effect",
    historyOf(comment("a", 0, unanswered), list(["a"]), like(ADA, true, 1, 3)),
  ],
] as const)("accepts %s", (_, history) => {
  expect(verdictsOf(history)).toMatchObject({ likes: [], counts: [], states: [], "own writes": [], comments: [] });
});

it.each([
  ["a lost like", ["likes", "counts"], historyOf(like(ADA, true, 1, 2), read(ADA, false, 1, 2))],
  [
    "a lost unlike",
    ["likes", "counts"],
    historyOf(like(ADA, true, 1, 2), like(ADA, false, 0, 3), read(ADA, true, 0, 3)),
  ],
  [
    "a like that comes and goes",
    ["likes", "counts"],
    historyOf(like(ADA, true, 0, 0, unanswered), read(ADA, true, 1, 2), read(ADA, false, 0, 3)),
  ],
  [
    "a like that was acknowledged and never written",
    ["likes", "counts", "states"],
    historyOf(like(ADA, true, 1, 2), read(ADA, false, 0, 1), like(BEN, true, 1, 2), read(BEN, true, 1, 3)),
  ],
  ["a like counted twice", ["counts"], historyOf(like(ADA, true, 1, 2), like(ADA, true, 2, 3))],
  [
    "a like counted twice, with the same seq",
    ["counts", "states"],
    historyOf(like(ADA, true, 1, 2), like(ADA, true, 2, 2)),
  ],
  ["a counted unlike of a like that never was", ["counts"], historyOf(like(ADA, true, 1, 2), like(BEN, false, 0, 3))],
  [
    "a changed count with an unchanged seq",
    ["counts", "states"],
    historyOf(like(ADA, true, 1, 2), like(BEN, true, 2, 2)),
  ],
  ["a seq that goes back", ["counts"], historyOf(like(ADA, true, 1, 2), like(BEN, true, 2, 3), like(ADA, true, 1, 2))],
  [
    "an own read that is too old",
    ["likes", "own writes", "counts"],
    historyOf(like(ADA, true, 1, 2), read(ADA, false, 0, 1, { kind: "own", since: 0, seq: 2 })),
  ],
  [
    "a plain read of a state that never was",
    ["states"],
    historyOf(like(ADA, true, 1, 2), read(ADA, true, 1, 2, plain, 1)),
  ],
  ["a lost comment", ["comments"], historyOf(comment("a", 2), comment("b", 3), list(["b"]))],
  [
    "a comment that an own read does not show",
    ["comments"],
    historyOf(comment("a", 2), list([], { kind: "own", since: 0, seq: 2 }), list(["a"])),
  ],
  [
    "a gap that is filled later",
    ["comments"],
    historyOf(comment("a", 2), comment("b", 3), list(["b"], plain), list(["a", "b"])),
  ],
  [
    "two orders",
    ["comments"],
    historyOf(
      comment("a", 0, unanswered),
      comment("b", 0, unanswered),
      list(["a", "b"], plain),
      list(["b", "a"], plain),
    ),
  ],
  [
    "an order that contradicts the answers",
    ["comments"],
    historyOf(comment("a", 2), comment("b", 3), list(["b", "a"])),
  ],
  ["a comment made twice", ["comments"], historyOf(comment("a", 2), list(["a", "a"]))],
  [
    "a comment counted twice",
    ["counts", "states"],
    historyOf(
      comment("a", 3, { requests: 2, lastInvoke: 3 }),
      like(ADA, true, 1, 4),
      read(ADA, true, 1, 4, undefined, 1),
    ),
  ],
  ["a comment that nobody wrote", ["comments"], historyOf(list(["z"]))],
  ["a list that shrinks", ["comments"], historyOf(comment("a", 0, unanswered), list(["a"]), list([]))],
] as [string, string[], History][])("finds %s", (_, models, history) => {
  expect(violated(verdictsOf(history)).sort()).toEqual(models.sort());
});
