import { NewPassword, newPasswordIn } from "../components/account/new-password.tsx";
import { Field } from "../components/controls/field.tsx";
import { textOf } from "../components/controls/submit.ts";
import { useTitle } from "../components/frame/title.ts";
import { HANDLE_PATTERN, NAME_MAX } from "../limits.ts";
import { signUp } from "../state/session.ts";
import { AccountForm } from "./account-form.tsx";

export function SignUpPage() {
  useTitle("Join");
  return (
    <AccountForm
      title="Join Shutterline"
      action="Create account"
      send={(form) => signUp(textOf(form, "handle"), newPasswordIn(form), textOf(form, "name"))}
      fields={(errors) => (
        <>
          <Field label="Name" name="name" autocomplete="name" maxLength={NAME_MAX} autofocus error={errors["name"]} />
          <Field
            label="Handle"
            name="handle"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            pattern={HANDLE_PATTERN}
            title="3 to 30 lowercase letters, digits or underscores"
            hint="3 to 30 lowercase letters, digits or underscores. It appears in the link to your profile."
            error={errors["handle"]}
          />
          <NewPassword label="Password" error={errors["password"]} />
        </>
      )}
      other={
        <>
          Already have an account? <a href="/sign-in">Sign in</a>
        </>
      }
    />
  );
}
