/** What a page shows when it is empty, still loading, or failed to load. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { online } from "../../api/connection.ts";
import type { ApiProblem } from "../../api/problem.ts";
import { Icon, type IconName } from "./icon.tsx";

type EmptyProps = { icon: IconName; title: string; children?: ComponentChildren };

export const Empty = ({ icon, title, children }: EmptyProps) => (
  <div class="empty">
    <Icon name={icon} />
    <h2>{title}</h2>
    {children}
  </div>
);

/** A failure with a button to try again. After `offline` it retries when the connection is back. */
export function Failure({ problem, retry }: { problem: ApiProblem; retry: () => void }) {
  useEffect(() => {
    if (problem.code === "offline") addEventListener("online", retry);
    return () => removeEventListener("online", retry);
  }, [problem, retry]);

  return (
    <div class="failure" role="alert">
      <p>{problem.message}</p>
      <button class="button" type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

export const OfflineBar = () => (
  <div role="status">{!online.value && <p class="offline">You’re offline. What you see may be out of date.</p>}</div>
);

const Waiting = ({ class: name, children }: { class: string; children: ComponentChildren }) => (
  <div class={name} role="status">
    <span class="unseen">Loading</span>
    {children}
  </div>
);

/** Grey shapes where a post is about to appear. */
export const PostSkeleton = () => (
  <Waiting class="post">
    <div class="bone bone-photograph" />
    <div class="post-label">
      <div class="post-head">
        <div class="bone bone-disc" />
        <div class="bone bone-line" />
      </div>
      <div class="bone bone-text" />
    </div>
  </Waiting>
);

export const RowsSkeleton = ({ rows = 6 }: { rows?: number }) => (
  <Waiting class="rows">
    {Array.from({ length: rows }, (_, row) => (
      <div class="row" key={row}>
        <div class="bone bone-disc" />
        <div class="bone bone-line" />
      </div>
    ))}
  </Waiting>
);

export const GridSkeleton = () => (
  <Waiting class="grid">
    {Array.from({ length: 9 }, (_, tile) => (
      <div class="bone bone-tile" key={tile} />
    ))}
  </Waiting>
);
