import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { suggestPasskeys, chooseAndSignIn } from "../../state/passkeys.ts";
import { me } from "../../state/session.ts";
import { FormProblem } from "../controls/form-problem.tsx";

/** Signs in with a passkey: by this button, or by a suggestion of the handle's field. */
export function PasskeyButton() {
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const busy = useSignal(false);
  const suggestions = useRef<AbortController | undefined>(undefined);

  const attempt = async (signIn: Promise<void>) => {
    try {
      await signIn;
    } catch (error) {
      problem.value = asProblem(error);
    }
  };
  const suggest = () => {
    suggestions.current = new AbortController();
    void attempt(suggestPasskeys(suggestions.current.signal));
  };
  useEffect(() => {
    suggest();
    return () => suggestions.current?.abort();
  }, []);

  const choose = async () => {
    if (busy.value) return;
    busy.value = true;
    problem.value = undefined;
    suggestions.current?.abort(); // A browser asks for one passkey at a time.
    await attempt(chooseAndSignIn());
    busy.value = false;
    if (!me.value) suggest();
  };

  return (
    <>
      <button class="button button-big" type="button" aria-disabled={busy} onClick={() => void choose()}>
        Sign in with a passkey
      </button>
      <FormProblem problem={problem.value} />
    </>
  );
}
