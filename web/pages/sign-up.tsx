import { Field } from "../components/controls/field.tsx";
import { textOf, typed } from "../components/controls/submit.ts";
import { useTitle } from "../components/frame/title.ts";
import { HANDLE_PATTERN, NAME_MAX, PASSWORD_MAX, PASSWORD_MIN } from "../limits.ts";
import { signUp } from "../state/session.ts";
import { AccountForm } from "./account-form.tsx";

export function SignUpPage() {
  useTitle("Join");
  return (
    <AccountForm
      title="Join Shutterline"
      action="Create account"
      send={(form) => signUp(textOf(form, "handle"), typed(form, "password"), textOf(form, "name"))}
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
          <Field
            label="Password"
            name="password"
            secret
            autocomplete="new-password"
            required
            minLength={PASSWORD_MIN}
            maxLength={PASSWORD_MAX}
            hint={`At least ${PASSWORD_MIN} characters. A few words together are best.`}
            error={errors["password"]}
          />
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
