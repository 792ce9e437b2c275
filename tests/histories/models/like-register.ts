/**
 * I1 and I4: for each post and person, the like is one linearizable register. Its writes are the likes and unlikes of
 * all the person's devices; its reads are the values of `likedByMe`. A read with the token of an own write may show any
 * state from that write on, because D1 may be behind the actor for everything else.
 */
import { linearize, type Model, type Operation } from "../linearizable/linearizable.ts";
import { asRead, asWrite, type Finding, type History, operationsOn } from "../recording/history.ts";

type Input = { f: "set"; liked: boolean } | { f: "read" };
/** The `likedByMe` of a read. */
type Output = boolean;

const register: Model<boolean, Input, Output> = {
  initial: false,
  keyOf: String,
  kindOf: (input) => JSON.stringify(input),
  isRead: ({ f }) => f === "read",
  step: (state, input, output) => {
    if (input.f === "set") return input.liked;
    return output === undefined || output === state ? state : undefined;
  },
};

/** Returns the registers that are not linearizable. */
export function wrongLikes(history: History): Finding[] {
  return history.posts.flatMap(({ id }) =>
    history.people.flatMap((handle, person): Finding[] => {
      const verdict = linearize(register, operationsOf(history, id, person));
      return verdict.ok ? [] : [{ post: id, what: `the like of ${handle}: ${verdict.why}` }];
    }),
  );
}

function operationsOf(history: History, post: string, person: number): Operation<Input, Output>[] {
  const writes = operationsOn(history, post, "like").map((like) => ({
    person: like.person,
    input: { f: "set", liked: like.liked } as const,
    output: undefined,
    ...asWrite(like),
  }));
  const reads = operationsOn(history, post, "read")
    .filter(({ freshness }) => freshness.kind !== "plain")
    .map((read) => ({
      person: read.person,
      input: { f: "read" } as const,
      output: read.answer.liked,
      ...asRead(read),
    }));
  return [...writes, ...reads].filter((operation) => operation.person === person);
}
