import { Field } from "../components/controls/field.tsx";
import { textOf, useSubmit } from "../components/controls/submit.ts";
import { operator } from "./api.ts";
import { latest } from "./status.ts";
import { storeToken } from "./token.ts";

/** Asks for the operator's token, and stores it if it is correct. */
export function TokenForm() {
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    const secret = textOf(form, "token");
    latest.value = await operator.signIn(secret);
    storeToken(secret);
  });
  const refused =
    problem?.code === "not_the_operator" ? "That isn’t the operator token. Check it and try again." : problem?.message;
  return (
    <form class="account" onSubmit={onSubmit}>
      <h1>Operations</h1>
      <Field
        label="Operator token"
        name="token"
        secret
        autocomplete="current-password"
        autofocus
        required
        hint="The deployment’s ADMIN_TOKEN; on your own machine, it is in .shutterline/admin-token. This tab forgets it when you close it."
        error={
          problem?.code === "not_found" ? "This deployment has no ADMIN_TOKEN. Set one to use this page." : refused
        }
      />
      <button class="button button-main button-big" type="submit" aria-disabled={busy}>
        {busy ? "Signing in…" : "Sign in"}
      </button>
    </form>
  );
}
