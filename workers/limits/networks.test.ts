import { expect, it } from "vitest";
import { networkIn, networkOf, SHARED_NETWORK } from "./networks.ts";

it.each([
  ["203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
])("counts %s under %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

it("trusts no address that the client can set", () => {
  expect(networkIn(new Headers({ "x-forwarded-for": "203.0.113.7" }))).toBe(SHARED_NETWORK);
});
