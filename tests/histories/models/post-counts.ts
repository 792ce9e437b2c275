/**
 * I2 and I3: a post is one linearizable object: a set of people who like it, a number of comments, and `seq`, which
 * counts the changes of both. Every response to a write carries `seq`, so the responses nearly give the order away, and
 * the search is short. Repeating a like must change neither the count nor `seq`.
 */
import { linearize, type Model, type Operation } from "../linearizable/linearizable.ts";
import {
  asRead,
  asWrite,
  type CommentOperation,
  type Finding,
  type History,
  type LikeOperation,
  operationsOn,
  type ReadOperation,
} from "../recording/history.ts";

/** `likers` has a bit for each person. */
type State = { likers: number; comments: number; seq: number };
type Input = { f: "like"; person: number; liked: boolean } | { f: "comment" } | { f: "observe"; person?: number };
type Output = { seq: number; likes?: number; comments?: number; liked?: boolean };

const PEOPLE_MAX = 31;

/** Returns the posts that are not linearizable. */
export function wrongCounts(history: History): Finding[] {
  if (history.people.length > PEOPLE_MAX) throw new Error(`at most ${PEOPLE_MAX} people are supported`);
  return history.posts.flatMap(({ id, seq }): Finding[] => {
    const operations = [
      ...operationsOn(history, id, "like").map(like),
      ...operationsOn(history, id, "comment").flatMap(comment),
      ...operationsOn(history, id, "read").flatMap(read),
    ];
    const verdict = linearize(postFrom(seq), operations);
    return verdict.ok ? [] : [{ post: id, what: `counts and seq: ${verdict.why}` }];
  });
}

const postFrom = (seq: number): Model<State, Input, Output> => ({
  initial: { likers: 0, comments: 0, seq },
  keyOf: ({ likers, comments, seq }) => `likers ${likers.toString(2)}, comments ${comments}, seq ${seq}`,
  kindOf: (input) => JSON.stringify(input),
  isRead: (_, output) => output !== undefined, // Its `seq` does not fit a later state.
  isTooLate: (state, _, { seq }) => seq < state.seq,
  step: (state, input, output) => {
    const after = apply(state, input);
    return output === undefined || isAnswer(output, after, input) ? after : undefined;
  },
});

function apply(state: State, input: Input): State {
  if (input.f === "observe") return state;
  if (input.f === "comment") return { ...state, comments: state.comments + 1, seq: state.seq + 1 };
  const bit = 1 << input.person;
  if (Boolean(state.likers & bit) === input.liked) return state;
  return { ...state, likers: state.likers ^ bit, seq: state.seq + 1 };
}

function isAnswer({ seq, likes, comments, liked }: Output, state: State, input: Input): boolean {
  const person = "person" in input ? (input.person ?? 0) : 0;
  return (
    seq === state.seq &&
    (likes === undefined || likes === bitsOf(state.likers)) &&
    (comments === undefined || comments === state.comments) &&
    (liked === undefined || liked === Boolean(state.likers & (1 << person)))
  );
}

function bitsOf(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

const like = (operation: LikeOperation): Operation<Input, Output> => ({
  input: { f: "like", person: operation.person, liked: operation.liked },
  output: operation.answer ?? undefined,
  ...asWrite(operation),
});

/** With several requests under one key, it is unknown which of them made the comment; the last one has observed it. */
function comment(operation: CommentOperation): Operation<Input, Output>[] {
  const { requests, lastInvoke, answer } = operation;
  const output = answer ? { seq: answer.seq } : undefined;
  const made = { input: { f: "comment" } as const, ...asWrite(operation, lastInvoke) };
  if (requests === 1 || !output) return [{ ...made, output }];
  const seen = { input: { f: "observe" } as const, output, invoke: lastInvoke, return: made.return, after: made.name };
  return [{ ...made, output: undefined }, seen];
}

/** The counts of a read are from one moment. Only the actor reads `likedByMe` then too; D1 reads it separately. */
function read(operation: ReadOperation): Operation<Input, Output>[] {
  const { freshness, person, answer } = operation;
  const { liked, ...counts } = answer;
  if (freshness.kind === "plain") return [];
  const output = freshness.kind === "actor" ? { ...counts, liked } : counts;
  return [{ input: { f: "observe", person }, output, ...asRead(operation) }];
}
