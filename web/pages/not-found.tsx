import { Empty } from "../components/states.tsx";
import { isGone } from "../gone.ts";
import type { ApiProblem } from "../problem.ts";
import { useTitle } from "../title.ts";

/** Whether there is no post `id`: it never existed, or it has been deleted, perhaps while it was on screen. */
export const isUnknownPost = (id: string, problem: ApiProblem | undefined): boolean =>
  isGone(id) || problem?.code === "post_not_found" || problem?.code === "invalid_request";

export function NotFoundPage({ what = "Page" }: { what?: "Page" | "Post" | "Person" }) {
  useTitle("Not found");
  return (
    <Empty icon="picture" title={`${what} not found`}>
      <p>It may have been removed, or the link may be wrong.</p>
      <p class="buttons">
        <a class="button button-main" href="/">
          Go home
        </a>
      </p>
    </Empty>
  );
}
