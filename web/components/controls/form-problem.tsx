import type { ApiProblem } from "../../api/problem.ts";

type Props = {
  problem: ApiProblem | undefined;
  /** What the form's fields show of it. */
  fields?: Record<string, string>;
};

/** Says why a form was refused, unless one of its fields does. */
export const FormProblem = ({ problem, fields = {} }: Props) => (
  <div role="alert">{problem && Object.keys(fields).length === 0 && <p class="form-error">{problem.message}</p>}</div>
);
