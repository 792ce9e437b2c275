import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { allD1 } from "../../tests/runtime/stores/d1.ts";
import { withFreshIds } from "./fresh-ids.ts";

const [database = env.DB] = allD1(env);
const insert = (id: string) =>
  database.prepare("INSERT INTO effects (id, body, due_at) VALUES (?, '{}', 0)").bind(id).run();

it("tries the next id when one is taken", async () => {
  await insert("taken");
  const ids = ["taken", "taken", "free", "never reached"];
  await withFreshIds(() => insert(ids.shift() ?? ""));
  expect(ids).toEqual(["never reached"]);
});

it("gives up when every id is taken, and at once on any other error", async () => {
  await insert("always");
  await expect(withFreshIds(() => insert("always"))).rejects.toThrow("UNIQUE constraint failed: effects.id");
  let calls = 0;
  const broken = withFreshIds(() => {
    calls += 1;
    return database.prepare("INSERT INTO nowhere VALUES (1)").run();
  });
  await expect(broken).rejects.toThrow("no such table");
  expect(calls).toBe(1);
});
