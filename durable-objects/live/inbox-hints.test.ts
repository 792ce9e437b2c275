import { expect, it } from "vitest";
import { LiveNews } from "./inbox-hints.ts";
import type { Seat, Seats } from "./sockets.ts";
import { sleep } from "./sleep.ts";

it("answers who tells one person, however many others are told meanwhile", async () => {
  const seat = (): Seat => ({ guest: {}, reviewedAt: 1, meSentAt: 0, send: () => true }) as unknown as Seat;
  const seats = { has: () => true, leave: () => undefined } as unknown as Seats;
  const news = new LiveNews(seats, () => sleep(20)); // A D1 query for those who were idle.
  const over = new AbortController();
  const others = (async () => {
    while (!over.signal.aborted) {
      void news.tell([seat()]); // Each time somebody else.
      await sleep(10);
    }
  })();
  const answered = news.tell([seat()]).then(() => "answered");
  expect(await Promise.race([answered, sleep(4000).then(() => "late")])).toBe("answered");
  over.abort();
  await others;
});
