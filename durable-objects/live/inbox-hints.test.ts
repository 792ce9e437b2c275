import { expect, it } from "vitest";
import { InboxHints } from "./inbox-hints.ts";
import type { LiveSocket, LiveSockets } from "./sockets.ts";
import { sleep } from "./sleep.ts";

it("resolves once one person has their hint, however many others are hinted meanwhile", async () => {
  const socket = (): LiveSocket =>
    ({ viewer: {}, checkedAt: 1, meSentAt: 0, send: () => true }) as unknown as LiveSocket;
  const sockets = { has: () => true, remove: () => undefined } as unknown as LiveSockets;
  const hints = new InboxHints(sockets, () => sleep(20)); // As long as a D1 query for sockets that were idle.
  const over = new AbortController();
  const others = (async () => {
    while (!over.signal.aborted) {
      void hints.send([socket()]); // A different person each time.
      await sleep(10);
    }
  })();
  const answered = hints.send([socket()]).then(() => "answered");
  expect(await Promise.race([answered, sleep(4000).then(() => "late")])).toBe("answered");
  over.abort();
  await others;
});
