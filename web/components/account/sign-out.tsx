import { useLocation } from "preact-iso";
import { asProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { me, signOut } from "../../state/session.ts";

export function SignOut() {
  const { route } = useLocation();
  const leave = async () => {
    try {
      await signOut();
      route("/");
    } catch (error) {
      showToast(`You’re still signed in. ${asProblem(error).message}`, "error");
    }
  };
  return (
    <section class="section">
      <h2>Account</h2>
      <p class="soft">Signed in as @{me.value?.handle}.</p>
      <p>
        <button class="button" type="button" onClick={() => void leave()}>
          Sign out
        </button>
      </p>
      <p>
        <a href="/your-data">Download your data or close your account</a>
      </p>
    </section>
  );
}
