import { AccountForm } from "../components/account-form.tsx";
import { Field } from "../components/field.tsx";
import { textOf, typed } from "../components/submit.ts";
import { HANDLE_PATTERN, NAME_MAX, PASSWORD_MAX, PASSWORD_MIN } from "../limits.ts";
import { signUp } from "../session.ts";
import { useTitle } from "../title.ts";

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
            title="3 to 30 of a to z, 0 to 9 and _"
            hint="3 to 30 small letters, digits or underscores. It is your address here."
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
            hint={`At least ${PASSWORD_MIN} characters; a few words are better.`}
            error={errors["password"]}
          />
        </>
      )}
      other={
        <>
          Already here? <a href="/sign-in">Sign in</a>
        </>
      }
    />
  );
}
