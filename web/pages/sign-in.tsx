import { useLocation } from "preact-iso";
import { hasPasskeys } from "../browser/passkeys.ts";
import { PasskeyButton } from "../components/account/passkey-button.tsx";
import { Field } from "../components/controls/field.tsx";
import { textOf, typed } from "../components/controls/submit.ts";
import { useTitle } from "../components/frame/title.ts";
import { signIn } from "../state/session.ts";
import { AccountForm, HandleField } from "./account-form.tsx";

export function SignInPage() {
  useTitle("Sign in");
  const { query } = useLocation();
  const then = query["then"];
  return (
    <AccountForm
      title="Welcome back"
      action="Sign in"
      send={(form) => signIn(textOf(form, "handle").toLowerCase(), typed(form, "password"))}
      fields={(errors) => (
        <>
          <HandleField error={errors["handle"]} suggestsPasskeys />
          <Field
            label="Password"
            name="password"
            secret
            autocomplete="current-password"
            required
            error={errors["password"]}
          />
        </>
      )}
      instead={hasPasskeys() && <PasskeyButton />}
      other={
        <>
          <a href="/recover">Forgot your password?</a>
          <br />
          New here? <a href={then ? `/sign-up?then=${encodeURIComponent(then)}` : "/sign-up"}>Join Shutterline</a>
        </>
      }
    />
  );
}
