/**
 * What clients of a running Shutterline did and were answered: plain data, which a file can hold. Times are in ms on one
 * monotonic clock. A request that was certainly never sent is no operation.
 */
type Timed = {
  client: number;
  post: string;
  invoke: number;
  /** Null where no answer came: it may have taken effect, may do so later, or never. */
  return: number | null;
};

/** A PUT or a DELETE. A repetition is an operation of its own. */
export type LikeOperation = Timed & {
  f: "like";
  person: number;
  liked: boolean;
  answer: { liked: boolean; likes: number; seq: number } | null;
};

/** All requests with one idempotency key are one operation: together they may take effect once. */
export type CommentOperation = Timed & {
  f: "comment";
  person: number;
  /** No two operations have the same. */
  text: string;
  requests: number;
  lastInvoke: number;
  answer: { id: string; seq: number } | null;
};

/**
 * What a read promises. `actor`: the present state, since its token asks for more than D1 can have. `own`: at least the
 * state after the client's own last write to this post, which was invoked at `since` and answered with `seq`. `plain`:
 * some state there was.
 */
export type Freshness = { kind: "actor" } | { kind: "own"; since: number; seq: number } | { kind: "plain" };

/** Reads without an answer say nothing and are left out. */
export type ReadOperation = Timed & {
  f: "read";
  person: number;
  freshness: Freshness;
  return: number;
  answer: { liked: boolean; likes: number; comments: number; seq: number };
};

/** A list of comments from its beginning, in pages. */
export type ListOperation = Timed & {
  f: "list";
  freshness: Freshness;
  return: number;
  answer: { id: string; text: string }[];
};

export type Recorded = LikeOperation | CommentOperation | ReadOperation | ListOperation;

export type History = {
  /** Each begins with no likes and no comments, at this `seq`. */
  posts: { id: string; seq: number }[];
  people: string[];
  operations: Recorded[];
};

/** What is wrong with a history, in words; nothing when it is as promised. */
export type Finding = { post: string; what: string };

export const operationsOn = <F extends Recorded["f"]>(history: History, post: string, f: F) =>
  history.operations.filter((operation): operation is Extract<Recorded, { f: F }> => {
    return operation.f === f && operation.post === post;
  });

/** The interval of a write, and a name for reads that must come after it: what a client has invoked last it knows itself. */
export const asWrite = ({ client, invoke, return: end }: LikeOperation | CommentOperation, lastInvoke = invoke) => ({
  invoke,
  return: end ?? Number.POSITIVE_INFINITY,
  name: nameOf(client, lastInvoke),
});

/** When the state that a read shows was the present one, if the read promises anything. */
export const asRead = ({ client, freshness, invoke, return: end }: ReadOperation) =>
  freshness.kind === "own"
    ? { invoke: freshness.since, return: end, after: nameOf(client, freshness.since) }
    : { invoke, return: end };

const nameOf = (client: number, invoke: number): string => `${client} at ${invoke}`;
