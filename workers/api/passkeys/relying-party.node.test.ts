import { expect, it } from "vitest";
import { relyingPartyOf } from "./relying-party.ts";

const of = (url: string, PASSKEY_RP_ID = "", PASSKEY_ORIGINS = "") =>
  relyingPartyOf({ PASSKEY_RP_ID, PASSKEY_ORIGINS }, url);

it("takes the host of the request", () => {
  expect(of("https://photos.example/v1/me")).toEqual({ id: "photos.example", origins: ["https://photos.example"] });
  expect(of("http://localhost:8787/")).toEqual({ id: "localhost", origins: ["http://localhost:8787"] });
});

it("takes the domain that the operator has chosen, on its own hosts only", () => {
  const chosen = "example.org";
  expect(of("https://www.example.org/", chosen, "ios:x")).toEqual({
    id: chosen,
    origins: ["https://www.example.org", "ios:x"],
  });
  expect(of("https://example.org/", chosen).id).toBe(chosen);
  for (const other of ["https://notexample.org/", "https://example.org.evil.example/", "https://org/"]) {
    expect(() => of(other, chosen), other).toThrow("passkeys_not_set_up");
  }
});

it("rejects addresses without a name, which browsers do not take", () => {
  for (const address of ["http://127.0.0.1:8787/", "http://[::1]:8787/"]) {
    expect(() => of(address), address).toThrow("passkeys_not_set_up");
  }
});
