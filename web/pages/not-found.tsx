import { Empty } from "../components/states.tsx";
import { isGone } from "../gone.ts";
import type { ApiProblem } from "../problem.ts";
import { useTitle } from "../title.ts";

/** An address that never was one of a post's, or a post that is deleted, perhaps while it was being looked at. */
export const isUnknownPost = (id: string, problem: ApiProblem | undefined): boolean =>
  isGone(id) || problem?.code === "post_not_found" || problem?.code === "invalid_request";

export function NotFoundPage({ what = "page" }: { what?: string }) {
  useTitle("Not found");
  return (
    <Empty icon="picture" title={`There is no such ${what}`}>
      <p>It may have been removed, or the address may be wrong.</p>
      <p class="buttons">
        <a class="button button-main" href="/">
          Go home
        </a>
      </p>
    </Empty>
  );
}
