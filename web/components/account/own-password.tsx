import { Field } from "../controls/field.tsx";

type Props = { error: string | undefined; hint?: string | undefined; autofocus?: boolean };

/** The field in which the viewer proves that they know their password. */
export const OwnPassword = (props: Props) => (
  <Field label="Your password" name="password" secret autocomplete="current-password" required {...props} />
);
