import { afterEach, expect, it, vi } from "vitest";
import { expectAuthorized, pushingEnv } from "../../../tests/runtime/push/push-service.ts";
import { authorization, type Vapid, vapidOf } from "./vapid.ts";

afterEach(() => vi.useRealTimers());

it("signs a token for each push service and reuses it for an hour", async () => {
  const vapid = vapidOf((await pushingEnv()).env) as Vapid;
  const [google, mozilla] = ["https://fcm.googleapis.com", "https://updates.push.services.mozilla.com"];
  const now = Date.now();
  vi.useFakeTimers({ now, toFake: ["Date"] });
  const first = await authorization(vapid, `${google}/fcm/send/1`);
  await expectAuthorized(first, google);
  await expectAuthorized(await authorization(vapid, `${mozilla}/wpush/v2/1`), mozilla);
  expect(await authorization(vapid, `${google}/fcm/send/2`)).toBe(first);

  vi.setSystemTime(now + 61 * 60_000);
  const later = await authorization(vapid, `${google}/fcm/send/2`);
  expect(later).not.toBe(first);
  await expectAuthorized(later, google);
  const other = vapidOf((await pushingEnv()).env) as Vapid;
  expect((await authorization(other, `${google}/x`)).split("k=")[1]).toBe(other.publicKey);
});
