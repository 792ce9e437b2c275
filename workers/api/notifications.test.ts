import { expect, it } from "vitest";
import { newId, type PersonId } from "../../schema/ids.ts";
import { ask, outcome, signUp } from "../../tests/runtime/people.ts";
import { encodeCursor } from "./cursors.ts";

it("refuses a cursor that is not one of its own", async () => {
  const { token } = await signUp();
  const page = async (key: string) =>
    outcome(await ask("GET", `/v1/notifications?cursor=${encodeCursor([key])}`, { token }));
  const id = newId<PersonId>(0);
  for (const key of [
    "",
    "x",
    id,
    "NaN follow x",
    `1e400 like ${id}`,
    `-1 like ${id}`,
    `1 other ${id}`,
    `1 like ${id} x`,
  ]) {
    expect(await page(key), key).toBe("400 invalid_cursor");
  }
  expect(await page(`1 follow ${id}`)).toBe("200");
});
