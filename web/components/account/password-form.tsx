import { api } from "../../api/api.ts";
import { showToast } from "../../browser/toast.ts";
import { me } from "../../state/session.ts";
import { FormProblem } from "../controls/form-problem.tsx";
import { Field } from "../controls/field.tsx";
import { typed, useSubmit } from "../controls/submit.ts";
import { NewPassword, newPasswordIn } from "./new-password.tsx";
import { sessionsChanged } from "./sessions.tsx";

type Props = { passkeys: number; passkeysRemoved: () => void };

/** Changes the password, which signs out all other devices. With `passkeys`, it offers to remove them too. */
export function PasswordForm({ passkeys, passkeysRemoved }: Props) {
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    const removePasskeys = form.has("removePasskeys");
    await api.changePassword({ current: typed(form, "current"), password: newPasswordIn(form), removePasskeys });
    showToast("Password changed. Your other devices are signed out.");
    sessionsChanged();
    if (removePasskeys) passkeysRemoved();
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
      {passkeys > 0 && (
        <label class="option">
          <input type="checkbox" name="removePasskeys" />
          Remove my passkeys too
        </label>
      )}
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
