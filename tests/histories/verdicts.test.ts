/** Tiny histories with known verdicts: what each model lets pass, and what it must not. */
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

/** Each operation by itself, one after the other, unless it says otherwise. */
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
    "likes, repeated and taken back",
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
    "a like without an answer that did not",
    historyOf(like(ADA, true, 0, 0, unanswered), read(ADA, false, 0, 1), read(BEN, false, 0, 1)),
  ],
  [
    "a like without an answer that took effect late",
    historyOf(like(ADA, true, 0, 0, unanswered), read(ADA, false, 0, 1), like(BEN, true, 2, 3)),
  ],
  ["a plain read of an older state", historyOf(like(ADA, true, 1, 2), read(ADA, false, 0, 1, plain))],
  [
    "an own read that does not show what others did since",
    historyOf(like(ADA, true, 1, 2), like(BEN, true, 2, 3), read(ADA, true, 1, 2, { kind: "own", since: 0, seq: 2 })),
  ],
  [
    "comments, and readers who are behind",
    historyOf(comment("a", 2), comment("b", 3), list(["a"], plain), list([], plain), list(["a", "b"])),
  ],
  [
    "a comment that was asked for twice, and made once",
    historyOf(
      comment("a", 3, { requests: 2, lastInvoke: 12, return: 15 }),
      like(BEN, true, 1, 3),
      list(["a"]),
      read(BEN, true, 1, 3, plain, 1),
    ),
  ],
  [
    "a comment without an answer that is there",
    historyOf(comment("a", 0, unanswered), list(["a"]), like(ADA, true, 1, 3)),
  ],
] as const)("lets pass %s", (_, history) => {
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
  ["an unlike of nobody's like counted", ["counts"], historyOf(like(ADA, true, 1, 2), like(BEN, false, 0, 3))],
  ["a count without a seq", ["counts", "states"], historyOf(like(ADA, true, 1, 2), like(BEN, true, 2, 2))],
  ["a seq that goes back", ["counts"], historyOf(like(ADA, true, 1, 2), like(BEN, true, 2, 3), like(ADA, true, 1, 2))],
  [
    "an own read that is too old",
    ["likes", "own writes", "counts"],
    historyOf(like(ADA, true, 1, 2), read(ADA, false, 0, 1, { kind: "own", since: 0, seq: 2 })),
  ],
  ["a plain read of what never was", ["states"], historyOf(like(ADA, true, 1, 2), read(ADA, true, 1, 2, plain, 1))],
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
  ["an order against that of the answers", ["comments"], historyOf(comment("a", 2), comment("b", 3), list(["b", "a"]))],
  ["a comment made twice", ["comments"], historyOf(comment("a", 2), list(["a", "a"]))],
  [
    "a comment made twice, as the counts show",
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
