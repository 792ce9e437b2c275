import { useLocation } from "preact-iso";
import { AccountForm } from "../components/account-form.tsx";
import { Field } from "../components/field.tsx";
import { textOf, typed } from "../components/submit.ts";
import { signIn } from "../session.ts";
import { useTitle } from "../title.ts";

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
          <Field
            label="Handle"
            name="handle"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            autofocus
            error={errors["handle"]}
          />
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
      other={
        <>
          New here? <a href={then ? `/sign-up?then=${encodeURIComponent(then)}` : "/sign-up"}>Join Shutterline</a>
        </>
      }
    />
  );
}
