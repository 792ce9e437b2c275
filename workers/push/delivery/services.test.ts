import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { isPushService } from "./services.ts";

it.each([
  "https://fcm.googleapis.com/fcm/send/c1-Qx:APA91bH",
  "https://fcm.googleapis.com:443/wp/x",
  "https://jmt17.google.com/fcm/send/x",
  "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
  "https://web.push.apple.com/QGVx",
  "https://wns2-par02p.notify.windows.com/w/?token=BQYAAA%2b%3d",
])("accepts %s", (endpoint) => {
  expect(isPushService(env, endpoint)).toBe(true);
});

it.each([
  "http://fcm.googleapis.com/fcm/send/x",
  "https://fcm.googleapis.com:22/x",
  "https://fcm.googleapis.com:8443/x",
  "https://evil@fcm.googleapis.com/x",
  "https://:secret@fcm.googleapis.com/x",
  "https://fcm.googleapis.com@evil.example/x",
  "https://fcm.googleapis.com.evil.example/x",
  "https://evilfcm.googleapis.com/x",
  "https://notify.windows.com.evil/x",
  "https://xnotify.windows.com/x",
  "https://storage.googleapis.com/x",
  "https://google.com/x",
  "https://localhost/x",
  "http://localhost/x",
  "http://localhost:8787/v1/people",
  "http://127.0.0.1/x",
  "https://169.254.169.254/latest/meta-data",
  "https://[::1]/x",
  "https://[::ffff:7f00:1]/x",
  "https://0x7f.1/x",
  "https://2130706433/x",
  "ftp://fcm.googleapis.com/x",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "//fcm.googleapis.com/x",
  "fcm.googleapis.com/x",
  "",
])("rejects %s", (endpoint) => {
  expect(isPushService(env, endpoint)).toBe(false);
});

it("accepts the hosts and origins in PUSH_HOSTS, and nothing beyond them", () => {
  const named = {
    ...env,
    PUSH_HOSTS: " push.example.org  http://localhost:9000 https://push.test:8443 http://10.0.0.1 ",
  };
  const accepts = (endpoint: string) => isPushService(named, endpoint);
  expect(accepts("https://push.example.org/x")).toBe(true);
  expect(accepts("https://eu.push.example.org/x")).toBe(true);
  expect(accepts("http://push.example.org/x")).toBe(false);
  expect(accepts("https://push.example.org:8443/x")).toBe(false);
  expect(accepts("http://localhost:9000/x")).toBe(true);
  expect(accepts("http://localhost:9001/x")).toBe(false);
  expect(accepts("http://u@localhost:9000/x")).toBe(false);
  expect(accepts("https://push.test:8443/x")).toBe(true);
  expect(accepts("http://10.0.0.1/x")).toBe(false);
});
