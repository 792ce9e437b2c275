import { useSignal } from "@preact/signals";
import type { CachedPost } from "../../state/posts.ts";
import { Menu } from "../controls/menu.tsx";
import { ReportDialog } from "../reports/report-dialog.tsx";

/** What people can do about a post of somebody else. */
export function ReportMenu({ post }: { post: CachedPost }) {
  const isReporting = useSignal(false);
  return (
    <>
      <Menu label="More about this post" items={[{ label: "Report post", act: () => (isReporting.value = true) }]} />
      {isReporting.value && (
        <ReportDialog what="this post" subject={{ post: post.value.id }} close={() => (isReporting.value = false)} />
      )}
    </>
  );
}
