import { NewPassword, newPasswordIn } from "../components/account/new-password.tsx";
import { Field } from "../components/controls/field.tsx";
import { textOf } from "../components/controls/submit.ts";
import { useTitle } from "../components/frame/title.ts";
import { recover, resetPassword } from "../state/session.ts";
import { AccountForm, HandleField } from "./account-form.tsx";

/** Chooses a new password with a recovery code. */
export function RecoverPage() {
  useTitle("Forgotten password");
  return (
    <AccountForm
      title="Choose a new password"
      action="Save and sign in"
      send={(form) =>
        recover({
          handle: textOf(form, "handle").toLowerCase(),
          code: textOf(form, "code"),
          password: newPasswordIn(form),
        })
      }
      fields={(errors) => (
        <>
          <HandleField error={errors["handle"]} />
          <Field
            label="Recovery code"
            name="code"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            required
            hint="One of the codes that you saved from your settings. Without one, ask the people who run this site for a link."
            error={errors["code"]}
          />
          <NewPassword label="New password" error={errors["password"]} />
        </>
      )}
      other={
        <>
          Remember it? <a href="/sign-in">Sign in</a>
        </>
      }
    />
  );
}

/** Chooses a new password with a link from the operator. What follows the # of its address proves who it is for. */
export function ResetPage() {
  useTitle("New password");
  return (
    <AccountForm
      title="Choose a new password"
      action="Save and sign in"
      send={(form) => resetPassword(location.hash.slice(1), newPasswordIn(form))}
      fields={(errors) => <NewPassword label="New password" error={errors["password"]} />}
      other={
        <>
          Have a recovery code? <a href="/recover">Use it</a>
        </>
      }
    />
  );
}
