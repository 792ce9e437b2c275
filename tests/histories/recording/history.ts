/**
 * The recorded operations of clients of a running Shutterline, with their responses: plain data that fits into a file.
 * Times are in ms on one monotonic clock. A request that was certainly never sent is not an operation.
 */
type Timed = {
  client: number;
  post: string;
  invoke: number;
  /** Null without a response: the operation may have taken effect, or may do so later or never. */
  return: number | null;
};

/** A like (PUT) or an unlike (DELETE). A repetition is an operation of its own. */
export type LikeOperation = Timed & {
  f: "like";
  person: number;
  liked: boolean;
  answer: { liked: boolean; likes: number; seq: number } | null;
};

/** All requests with one idempotency key are one operation, which may take effect once. */
export type CommentOperation = Timed & {
  f: "comment";
  person: number;
  /** Unique among all operations. */
  text: string;
  requests: number;
  lastInvoke: number;
  answer: { id: string; seq: number } | null;
};

/**
 * What a read promises. `actor`: the present state, because its token asks for a higher `seq` than D1 can have. `own`:
 * at least the state after the client's own last write to this post, which was invoked at `since` and returned `seq`.
 * `plain`: any past or present state.
 */
export type Freshness = { kind: "actor" } | { kind: "own"; since: number; seq: number } | { kind: "plain" };

/** A read of a post. Reads without a response prove nothing and are not recorded. */
export type ReadOperation = Timed & {
  f: "read";
  person: number;
  freshness: Freshness;
  return: number;
  answer: { liked: boolean; likes: number; comments: number; seq: number };
};

/** A read of all comments of a post, in pages. */
export type ListOperation = Timed & {
  f: "list";
  freshness: Freshness;
  return: number;
  answer: { id: string; text: string }[];
};

export type Recorded = LikeOperation | CommentOperation | ReadOperation | ListOperation;

export type History = {
  /** Each post starts without likes and comments, at this `seq`. */
  posts: { id: string; seq: number }[];
  people: string[];
  operations: Recorded[];
};

/** A violation found in a history, described in words. */
export type Finding = { post: string; what: string };

/** Returns the operations of kind `f` on a post. */
export const operationsOn = <F extends Recorded["f"]>(history: History, post: string, f: F) =>
  history.operations.filter((operation): operation is Extract<Recorded, { f: F }> => {
    return operation.f === f && operation.post === post;
  });

/** Returns the interval of a write, and a name by which a read of the same client can require to come after it. */
export const asWrite = ({ client, invoke, return: end }: LikeOperation | CommentOperation, lastInvoke = invoke) => ({
  invoke,
  return: end ?? Number.POSITIVE_INFINITY,
  name: nameOf(client, lastInvoke),
});

/** Returns the interval in which the state that a read shows was the present one, for a read that is not `plain`. */
export const asRead = ({ client, freshness, invoke, return: end }: ReadOperation) =>
  freshness.kind === "own"
    ? { invoke: freshness.since, return: end, after: nameOf(client, freshness.since) }
    : { invoke, return: end };

const nameOf = (client: number, invoke: number): string => `${client} at ${invoke}`;
