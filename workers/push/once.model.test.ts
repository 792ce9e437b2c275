/** However raises, looks, messages and repetitions come: of a follow one push for each time that it became unread. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { signUp } from "../../tests/runtime/people.ts";
import { look, pushWorld, toldOfFollow } from "../../tests/runtime/pushed.ts";

const world = await pushWorld();
const STEPS = ["raise", "look", "announce", "deliver", "deliver again"] as const;
type Step = (typeof STEPS)[number];

/** From one look to the next there is one push, if anything was raised and a message came after it; else none. */
function pushesIn(steps: readonly Step[]): number {
  let [pushes, isRaised, isPushed] = [0, false, false];
  for (const step of steps) {
    if (step === "look") [isRaised, isPushed] = [false, false];
    else if (step === "raise") isRaised = true;
    else if (isRaised && !isPushed) [pushes, isPushed] = [pushes + 1, true];
  }
  return pushes;
}

it("pushes each time an entry becomes unread, once", { timeout: 60_000 }, async () => {
  const ben = await signUp();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), { minLength: 3, maxLength: 12 }), async (steps) => {
      const ada = await world.someone();
      const key = { recipient: ada.person.id, kind: "follow", subject: ben.person.id } as const;
      const before = world.services.arrived.length;
      for (const step of steps) {
        if (step === "raise") await toldOfFollow(ada, [ben]);
        else if (step === "look") await look(ada);
        else if (step === "announce") await world.announced(key);
        else await world.consume(step === "deliver" ? [key] : [key, key]);
      }

      expect(world.services.arrived.length - before).toBe(pushesIn(steps));
    }),
    { numRuns: 25 },
  );
});
