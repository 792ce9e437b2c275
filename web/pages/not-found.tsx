import { Empty } from "../components/states.tsx";
import { useTitle } from "../title.ts";

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
