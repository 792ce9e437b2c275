import { describe, expect, it } from "vitest";
import { Refusal } from "../../schema/api/refusals.ts";
import { ask, outcome, randomHandle } from "../../tests/runtime/world/people.ts";
import { refuseWeakPassword } from "./password-rules.ts";

const known = ["ada_lovelace", "Ada King"];

it.each([
  "password",
  "12345678",
  "PASSWORD1",
  "passw0rd",
  "        ",
  "\u3000\u3000\u3000\u3000\u3000\u3000\u3000\u3000",
  "aaaaaaaaaaaa",
  "abababababab",
  "abcdefghijkl",
  "98765432",
  "qwertyuiop",
  "ada_lovelace",
  "Ada_Lovelace1",
  "ada king!",
  "shutterline",
  "shutterline1",
  "ｐａｓｓｗｏｒｄ", // Full width.
])("refuses %j, and says what to do", (password) => {
  try {
    refuseWeakPassword(password, known);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(Refusal);
    const { code, detail, errors } = error as Refusal;
    expect(code).toBe("weak_password");
    expect(detail).toMatch(/\. A few words together are easy to remember/);
    expect(errors).toEqual([{ path: "password", message: detail }]);
  }
});

it.each(["correct horse battery", "shutterline-demo", "my ada_lovelace is great", "Tr0ub4dor&3", "日本語の合言葉です"])(
  "accepts %j",
  (password) => {
    expect(() => refuseWeakPassword(password, known)).not.toThrow();
  },
);

describe("at sign-up", () => {
  const signUpWith = async (password: string, handle = randomHandle(), name = "Ada King") =>
    outcome(await ask("POST", "/v1/people", { body: { handle, name, password } }));

  it("refuses weak passwords and claims nothing for them", async () => {
    const handle = randomHandle();
    for (const password of ["password", "12345678", "        ", handle, "Ada King "]) {
      expect(await signUpWith(password, handle), password).toBe("422 weak_password");
    }
    expect(await signUpWith("correct horse battery", handle)).toBe("201");
  });

  it("counts characters, not code units, and truncates nothing", async () => {
    expect(await signUpWith("🐎🔋🖇🌊")).toBe("422 invalid_request"); // Four characters of two code units.
    expect(await signUpWith("🐎🔋🖇🌊🌙🔭📷🎞")).toBe("201");
    const long = `${"🐎🔋🖇🌊".repeat(63)}abcd`;
    const handle = randomHandle();
    expect(await signUpWith(long, handle)).toBe("201");
    const signIn = async (password: string) =>
      outcome(await ask("POST", "/v1/sessions", { body: { handle, password } }));
    expect(await signIn(long)).toBe("201");
    expect(await signIn(`${long.slice(0, -1)}e`)).toBe("401 wrong_credentials");
    expect(await signUpWith(`${long}a`)).toBe("422 invalid_request");
  });
});
