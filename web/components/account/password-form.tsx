import { api } from "../../api/api.ts";
import { showToast } from "../../browser/toast.ts";
import { me } from "../../state/session.ts";
import { FormProblem } from "../controls/form-problem.tsx";
import { Field } from "../controls/field.tsx";
import { typed, useSubmit } from "../controls/submit.ts";
import { NewPassword, newPasswordIn } from "./new-password.tsx";
import { sessionsChanged } from "./sessions.tsx";

/** Changes the password, which signs out all other devices. */
export function PasswordForm() {
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    await api.changePassword({ current: typed(form, "current"), password: newPasswordIn(form) });
    showToast("Password changed. Your other devices are signed out.");
    sessionsChanged();
    document.querySelector<HTMLFormElement>(".password-form")?.reset();
  });
  const fields = problem?.fields ?? {};
  return (
    <form class="section password-form" onSubmit={onSubmit}>
      <h2>Password</h2>
      <p class="soft">A new password signs out all your other devices.</p>
      <AccountName />
      <Field
        label="Current password"
        name="current"
        secret
        autocomplete="current-password"
        required
        error={fields["current"]}
      />
      <NewPassword label="New password" error={fields["password"]} />
      <FormProblem problem={problem} fields={fields} />
      <p>
        <button class="button button-main" type="submit" aria-disabled={busy}>
          {busy ? "Changing…" : "Change password"}
        </button>
      </p>
    </form>
  );
}

/** Tells password managers which account a form is about. */
export const AccountName = () => (
  <input type="text" name="username" autocomplete="username" value={me.value?.handle ?? ""} readOnly hidden />
);
