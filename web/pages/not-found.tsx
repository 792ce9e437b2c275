import type { ApiProblem } from "../api/problem.ts";
import { Empty } from "../components/common/states.tsx";
import { useTitle } from "../components/frame/title.ts";
import { isGone } from "../state/gone.ts";

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
