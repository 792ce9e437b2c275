/** A follow is pushed once each time its notification becomes unread, in any order of raises, looks and messages. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { signUp } from "../../tests/runtime/world/people.ts";
import { markInboxRead, pushWorld, writeFollowNotification } from "../../tests/runtime/push/pushed.ts";

const world = await pushWorld();
const STEPS = ["raise", "look", "announce", "deliver", "deliver again"] as const;
type Step = (typeof STEPS)[number];

/** Between two looks there is one push if a message followed a raise, and none otherwise. */
function pushesIn(steps: readonly Step[]): number {
  let [pushes, isRaised, isPushed] = [0, false, false];
  for (const step of steps) {
    if (step === "look") [isRaised, isPushed] = [false, false];
    else if (step === "raise") isRaised = true;
    else if (isRaised && !isPushed) [pushes, isPushed] = [pushes + 1, true];
  }
  return pushes;
}

it("pushes a notification once each time it becomes unread", { timeout: 60_000 }, async () => {
  const ben = await signUp();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), { minLength: 3, maxLength: 12 }), async (steps) => {
      const ada = await world.someone();
      const key = { recipient: ada.person.id, kind: "follow", subject: ben.person.id } as const;
      const before = world.services.arrived.length;
      for (const step of steps) {
        if (step === "raise") await writeFollowNotification(ada, [ben]);
        else if (step === "look") await markInboxRead(ada);
        else if (step === "announce") await world.announced(key);
        else await world.consume(step === "deliver" ? [key] : [key, key]);
      }

      expect(world.services.arrived.length - before).toBe(pushesIn(steps));
    }),
    { numRuns: 25 },
  );
});
