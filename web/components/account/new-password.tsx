import { PASSWORD_GOOD, PASSWORD_MAX, PASSWORD_MIN, passwordLength } from "../../limits.ts";
import { ApiProblem } from "../../api/problem.ts";
import { Field } from "../controls/field.tsx";
import { typed } from "../controls/submit.ts";

type Props = { label: string; error: string | undefined };

/** The input of a new password. Its length is checked as the API counts it, when the form is sent. */
export const NewPassword = ({ label, error }: Props) => (
  <Field
    label={label}
    name="password"
    secret
    autocomplete="new-password"
    required
    hint={`At least ${PASSWORD_MIN} characters, ${PASSWORD_GOOD} or more are better. A few words together are easy to remember.`}
    error={error}
  />
);

/** Returns the new password of a form, or throws a problem that says what is wrong with its length. */
export function newPasswordIn(form: FormData): string {
  const password = typed(form, "password");
  const length = passwordLength(password);
  if (length >= PASSWORD_MIN && length <= PASSWORD_MAX) return password;
  const message =
    length < PASSWORD_MIN ? `Use at least ${PASSWORD_MIN} characters.` : `Use at most ${PASSWORD_MAX} characters.`;
  throw new ApiProblem("invalid_request", message, [{ path: "password", message }]);
}
