/**
 * The product at the distances of a `Place` from its stores. Each response says what it waited for, which leaves out
 * what had not ended by then.
 */
import worker from "../../workers/index.ts";
import { PLACE, type Place, PLACES, WAITED_FOR } from "../network/distances.ts";
import { type Wait, waitsText } from "../network/waits.ts";
import { atDistance, farBindings } from "./far-bindings.ts";

export { LikeGate, LiveRelay, PostActor, UploadActor } from "../../workers/index.ts";

export default {
  async fetch(request, env, ctx) {
    const { distances } = PLACES[(env as Env & { [PLACE]: Place })[PLACE]];
    const waits: Wait[] = [];
    const response = await atDistance(distances, waits, () => worker.fetch(request, farBindings(env), ctx));
    const far = new Response(response.body, response);
    far.headers.set(WAITED_FOR, waitsText(waits));
    return far;
  },
  // With the same wrapped databases, whose replicas lag behind these writes too.
  queue: (batch, env, ctx) => worker.queue(batch, farBindings(env), ctx),
  scheduled: (controller, env) => worker.scheduled(controller, farBindings(env)),
} satisfies ExportedHandler<Env>;
