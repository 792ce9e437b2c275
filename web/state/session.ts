/** The session: who is signed in, and how many unread notifications they have. */
import { computed, effect, signal } from "@preact/signals";
import type { PasskeySignIn } from "../../schema/api/passkeys.ts";
import type { Me } from "../../schema/api/people.ts";
import { api, onExpired } from "../api/api.ts";
import { connectAs, onInboxChanged } from "../api/live.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { store, stored } from "../browser/storage.ts";
import { forgetComments } from "./comments.ts";
import { forgetFollows } from "./follows.ts";
import { forgetLists } from "./list.ts";
import { forgetPosts } from "./posts.ts";
import { endPush, renewPush } from "./push.ts";

type Session =
  { state: "starting" } | { state: "failed"; problem: ApiProblem } | { state: "out" } | { state: "in"; me: Me };

/** How often the inbox is polled, in ms, for hints that the live socket missed. */
const POLL_MS = 60_000;

export const session = signal<Session>({ state: "starting" });
export const me = computed(() => (session.value.state === "in" ? session.value.me : undefined));
export const unread = computed(() => me.value?.unread ?? 0);

const personId = computed(() => me.value?.id);
effect(() => connectAs(personId.value));

export async function startSession(): Promise<void> {
  // Scripts cannot read the cookie. If nobody has signed in on this browser, the API is not asked, so that reading a
  // public page costs no failing request.
  if (stored("signed-in") === undefined) {
    session.value = { state: "out" };
    return;
  }
  session.value = { state: "starting" };
  try {
    session.value = { state: "in", me: await api.me() };
    void renewPush();
  } catch (error) {
    const problem = asProblem(error);
    if (problem.code !== "not_signed_in") session.value = { state: "failed", problem };
  }
}

export async function signIn(handle: string, password: string): Promise<void> {
  await api.signIn({ handle, password });
  await enter();
}

/** Signs in with what the browser has returned for a passkey. */
export async function signInWithPasskey(answer: PasskeySignIn): Promise<void> {
  await api.signInWithPasskey(answer);
  await enter();
}

export async function signUp(handle: string, password: string, name: string): Promise<void> {
  await api.signUp({ handle, password, ...(name && { name }) });
  await enter();
}

/** Chooses a new password with a recovery code, and signs in. */
export async function recover(body: { handle: string; code: string; password: string }): Promise<void> {
  await api.recover(body);
  await enter();
}

/** Chooses a new password with the secret of a link from the operator, and signs in. */
export async function resetPassword(link: string, password: string): Promise<void> {
  await api.resetPassword({ link, password });
  await enter();
}

export async function signOut(): Promise<void> {
  await api.signOut();
  await endPush();
  leave();
}

/** Closes the account, which ends all its sessions. */
export async function closeAccount(password: string): Promise<void> {
  await api.closeAccount(password);
  await endPush();
  leave();
}

/** Updates the cached `me`; nothing when nobody is signed in. */
export function setMe(change: Partial<Me>): void {
  if (session.value.state === "in") session.value = { state: "in", me: { ...session.value.me, ...change } };
}

async function enter(): Promise<void> {
  forgetEverything();
  const me = await api.me();
  store("signed-in", "yes");
  session.value = { state: "in", me };
  void renewPush();
}

function leave(): void {
  store("signed-in", undefined);
  store("consistency-token", undefined);
  forgetEverything();
  session.value = { state: "out" };
}

// Cached posts and people say "liked by me" and "followed by me" for the previous viewer.
function forgetEverything(): void {
  forgetLists();
  forgetPosts();
  forgetComments();
  forgetFollows();
}

async function checkInbox(): Promise<void> {
  if (document.visibilityState !== "visible" || session.value.state !== "in") return;
  try {
    const { unread, requests } = await api.me();
    const { me } = session.value;
    if (unread !== me.unread || requests !== me.requests) setMe({ unread, requests });
  } catch {
    // The next check will do; nobody waits for this one.
  }
}

onExpired(leave);
onInboxChanged(() => void checkInbox());
setInterval(() => void checkInbox(), POLL_MS);
addEventListener("focus", () => void checkInbox());
document.addEventListener("visibilitychange", () => void checkInbox());
