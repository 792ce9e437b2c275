import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Collects this process's garbage now. A process that hardly allocates any more would keep it for good. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
