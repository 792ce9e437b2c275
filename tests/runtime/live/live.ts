/** A client of the live socket that records everything it receives. */
import { expect, vi } from "vitest";
import type { LiveCommand, LiveFrame, PostFrame } from "../../../schema/api/live.ts";
import type { PostId } from "../../../schema/ids.ts";
import { ask, outcome } from "../world/people.ts";

type Connected = {
  token?: string;
  ticket?: string;
  headers?: Record<string, string>;
  cf?: Partial<IncomingRequestCfProperties>;
  env?: Env;
};

const open = new Set<WebSocket>();

/** Closes all sockets. Must run after each test, because tests share relays. */
export function hangUp(): void {
  for (const socket of open) socket.close();
  open.clear();
}

/** Opens a live socket, or throws the outcome of a refused request. */
export async function connect({ token, ticket, headers, cf, env }: Connected = {}) {
  const response = await ask("GET", `/v1/live${ticket === undefined ? "" : `?ticket=${ticket}`}`, {
    headers: { upgrade: "websocket", ...headers },
    ...(token !== undefined && { token }),
    ...(cf && { cf }),
    ...(env && { env }),
  });
  const socket = response.webSocket;
  if (!socket) throw new Error(await outcome(response));
  return new LiveClient(socket);
}

export class LiveClient {
  readonly socket: WebSocket;
  readonly frames: PostFrame[] = [];
  /** When each frame arrived, in ms since 1970. */
  readonly times: number[] = [];
  /** When each hint arrived, in ms since 1970. */
  readonly told: number[] = [];
  readonly closed: Promise<number>;

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
    socket.addEventListener("message", ({ data }) => {
      if (data === "pong") return;
      const frame = JSON.parse(String(data)) as LiveFrame;
      if (frame.topic === "me") this.told.push(Date.now());
      else {
        this.frames.push(frame);
        this.times.push(Date.now());
      }
    });
    socket.accept();
    open.add(socket);
  }

  say(command: LiveCommand): this {
    this.socket.send(JSON.stringify(command));
    return this;
  }

  /** Watches a post. `since` is the `seq` that the client knows. */
  watch(post: PostId, since?: number): this {
    return this.say({ watch: [{ post, ...(since !== undefined && { since }) }] });
  }

  of(post: PostId): PostFrame[] {
    return this.frames.filter((frame) => frame.post === post);
  }

  /** Waits until the last frame, of this post or of any, is at `seq`. */
  async until(seq: number, post?: PostId): Promise<void> {
    const last = () => this.frames.findLast((frame) => post === undefined || frame.post === post);
    await vi.waitFor(() => expect(last()?.seq).toBe(seq), { timeout: 8000 });
  }

  async untilTold(times: number): Promise<void> {
    await vi.waitFor(() => expect(this.told.length).toBeGreaterThanOrEqual(times), { timeout: 8000 });
  }

  async untilDeleted(post: PostId): Promise<void> {
    await vi.waitFor(() => expect(this.of(post).at(-1)?.deleted).toBe(true), { timeout: 8000 });
  }

  get texts(): string[] {
    return this.frames.flatMap(({ changed }) => changed.map(({ text }) => text));
  }
}

/**
 * Applies all frames as a client does and returns the resulting comment texts. Fails if a frame leaves a gap or
 * repeats.
 */
export function folded(frames: PostFrame[]): string[] {
  const comments = new Map<string, string>();
  let seq = frames[0]?.from;
  for (const frame of frames) {
    expect(frame.from).toBe(seq);
    seq = frame.seq;
    for (const { id, text } of frame.changed) comments.set(id, text);
    for (const id of frame.gone) comments.delete(id);
  }
  return [...comments.values()];
}
