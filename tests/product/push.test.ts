/** From one person's action to the push that another's phone decrypts, over a push service on this machine. */
import { createPublicKey, verify } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Api } from "../../scripts/api-client.ts";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import type { PushedBrowser } from "../runtime/push/browser.ts";
import { eventually } from "./harness/eventually.ts";
import { Product, runToEnd } from "./harness/product.ts";
import { PushService } from "./harness/push-service.ts";

const PASSWORD = "correct horse battery";
const SOON = 10_000;

let service: PushService;
let product: Product;
beforeAll(async () => {
  service = await PushService.start();
  product = await Product.start({ config: service.config });
});
afterAll(async () => {
  await product.remove();
  await service.stop();
});

const signUp = async (handle: string): Promise<Api> =>
  product.api.as(await product.api.signUp({ handle, password: PASSWORD, name: handle.toUpperCase() }));

async function subscribe(by: Api, { subscription }: PushedBrowser): Promise<number> {
  const response = await fetch(`${product.address}/v1/push-subscriptions`, {
    method: "PUT",
    headers: { authorization: `Bearer ${by.token}`, "content-type": "application/json" },
    body: JSON.stringify(subscription),
  });
  return response.status;
}

it("notifies a phone within seconds, and no device whose session has ended", async () => {
  const [author, reader] = [await signUp("author"), await signUp("reader")];
  const [phone, tablet, dead, moved] = [
    service.browser(),
    service.browser(),
    service.browser(410),
    service.browser(302),
  ];
  for (const browser of [phone, dead, moved]) expect(await subscribe(author, browser)).toBe(204);
  const elsewhere = product.api.as(await product.api.signIn("author", PASSWORD));
  expect(await subscribe(elsewhere, tablet)).toBe(204);
  const { id } = await author.upload(readPhotograph("march-pastoral"));
  await author.untilInspected(id);
  const post = await author.publish({ caption: "March", media: [{ id }] });

  // The sign-in above is news too, for the browsers that were subscribed by then.
  const told = () => service.arrived.filter(({ payload }) => payload.title !== "New sign-in to your account");
  const started = performance.now();
  await reader.comment(post.id, "Whose cow is that?");
  await eventually(() => Promise.resolve(expect(told()).toHaveLength(2)), SOON);
  console.log(`${Math.round(performance.now() - started)} ms from a comment to the push of it`);
  expect(new Set(told().map(({ browser }) => browser))).toEqual(new Set([phone, tablet]));
  const [{ payload, headers } = {}] = told();
  expect(payload).toMatchObject({
    title: "READER commented on your post",
    body: "“Whose cow is that?”",
    url: `/posts/${post.id}`,
  });
  expect(headers).toMatchObject({ "content-encoding": "aes128gcm", urgency: "normal", ttl: "259200" });
  await expectSigned(headers?.authorization ?? "");
  expect(service.asked.some((request) => request.includes("elsewhere"))).toBe(false);

  await elsewhere.signOut();
  // On another post, because notices about one post are folded over ten seconds.
  const other = await author.publish({ caption: "April", media: [{ id }] });
  await reader.like(other.id);
  await eventually(() => Promise.resolve(expect(told()).toHaveLength(3)), SOON);
  expect(told()[2]?.browser).toBe(phone);
  expect(told()[2]?.payload.title).toBe("READER liked your post");
  const asked = (browser: PushedBrowser) =>
    service.asked.filter((request) => request.endsWith(new URL(browser.subscription.endpoint).pathname)).length;
  await eventually(() => Promise.resolve(expect(asked(moved)).toBe(3)), SOON); // The sign-in, the comment and the like.
  expect(asked(dead)).toBe(1); // Its subscription was deleted after the 410.
  expect(product.output).not.toContain("[error]");
});

/** Expects a VAPID token for this service, signed with the key that browsers subscribe with. */
async function expectSigned(authorization: string): Promise<void> {
  const [, token = "", key = ""] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization) ?? [];
  const given = (await (await fetch(`${product.address}/v1/push-subscriptions/key`)).json()) as { key: string };
  expect(key).toBe(given.key);
  const [header, claims = "", signature = ""] = token.split(".");
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33).toString("base64url"), point.subarray(33).toString("base64url")];
  const publicKey = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
  const signed = Buffer.from(`${header}.${claims}`);
  const options = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
  expect(verify("sha256", signed, options, Buffer.from(signature, "base64url"))).toBe(true);
  const { aud } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { aud: string };
  expect(aud).toBe(service.origin);
}

it("keeps its VAPID key across restarts, so that browsers stay subscribed", async () => {
  const key = async () => (await fetch(`${product.address}/v1/push-subscriptions/key`)).text();
  const before = await key();
  await product.stop();
  await product.restart();
  expect(await key()).toBe(before);
});

it("makes a VAPID key for the operator, and requires a contact address for push services", async () => {
  const made = await runToEnd("scripts/admin.ts", "vapid", "--subject", "mailto:ada@example.org");
  expect(made.code).toBe(0);
  expect(made.output).toContain('VAPID_SUBJECT = "mailto:ada@example.org"');
  const jwk = JSON.parse(/^\{.*\}$/m.exec(made.output)?.[0] ?? "") as Record<string, string>;
  expect(jwk).toMatchObject({ kty: "EC", crv: "P-256" });
  expect(["x", "y", "d"].map((part) => Buffer.from(jwk[part] ?? "", "base64url").length)).toEqual([32, 32, 32]);
  expect((await runToEnd("scripts/admin.ts", "vapid")).code).toBe(1);
});
