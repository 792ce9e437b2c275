/** All lists of the client, cached by their arguments. */
import { api } from "../api/api.ts";
import { List, listsBy } from "./list.ts";
import { type CachedPost, cachePosts } from "./posts.ts";

const idOf = ({ id }: { id: string }): string => id;
const subjectOf = ({ subject }: { subject: string }): string => subject;
const postIdOf = (post: CachedPost): string => post.peek().id;

const feeds = listsBy(() => new List(async (cursor) => cachePosts(await api.feed(cursor)), postIdOf));
export const feed = () => feeds();

export const postsOf = listsBy(
  (handle: string) => new List(async (cursor) => cachePosts(await api.postsOf(handle, cursor)), postIdOf),
);
export const followersOf = listsBy((handle: string) => new List((cursor) => api.followers(handle, cursor), idOf));
export const followingOf = listsBy((handle: string) => new List((cursor) => api.following(handle, cursor), idOf));
/** Never fresh: the first thing a person looks for in it is their own like. */
export const likersOf = listsBy((post: string) => new List((cursor) => api.likers(post, cursor), idOf, 0));

const allPeople = listsBy(() => new List((cursor) => api.people(cursor), idOf));
export const people = () => allPeople();

const inbox = listsBy(() => new List((cursor) => api.notifications(cursor), idOf));
export const notifications = () => inbox();

const mutes = listsBy(() => new List((cursor) => api.mutes(cursor), idOf));
export const muted = () => mutes();
/** Never fresh: others add to it. */
const followRequests = listsBy(() => new List((cursor) => api.requests(cursor), idOf, 0));
export const requests = () => followRequests();

/** Never fresh: others add to it. */
const queue = listsBy(() => new List((cursor) => api.queue(cursor), subjectOf, 0));
export const moderationQueue = () => queue();
const log = listsBy(() => new List((cursor) => api.moderationLog(cursor), idOf, 0));
export const moderationLog = () => log();
const own = listsBy(() => new List((cursor) => api.decisions(cursor), subjectOf, 0));
export const decisions = () => own();

const blocks = listsBy(() => new List((cursor) => api.blocks(cursor), idOf));
export const blocked = () => blocks();
