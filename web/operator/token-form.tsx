import { Field } from "../components/field.tsx";
import { textOf, useSubmit } from "../components/submit.ts";
import { operator } from "./api.ts";
import { latest } from "./status.ts";
import { keepToken } from "./token.ts";

/** Asks for the token, and keeps one that is right. */
export function TokenForm() {
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    const secret = textOf(form, "token");
    latest.value = await operator.enter(secret);
    keepToken(secret);
  });
  const refused = problem?.code === "not_the_operator" ? "This is not the operator’s token." : problem?.message;
  return (
    <form class="account" onSubmit={onSubmit}>
      <h1>Operations</h1>
      <Field
        label="Operator’s token"
        name="token"
        secret
        autocomplete="current-password"
        autofocus
        required
        hint="The deployment’s ADMIN_TOKEN. On your own machine: the file admin-token in .shutterline. This tab forgets it when it is closed."
        error={problem?.code === "not_found" ? "This deployment has no ADMIN_TOKEN, so nobody operates it." : refused}
      />
      <button class="button button-main button-big" type="submit" aria-disabled={busy}>
        {busy ? "One moment" : "Enter"}
      </button>
    </form>
  );
}
