import type { Draft } from "../../uploads/drafts.ts";

const percent = new Intl.NumberFormat("en-GB", { style: "percent" });

/** How far a file's upload is, or why it stopped and what to do about it. */
export function DraftStatus({ draft, name }: { draft: Draft; name: string }) {
  const { value } = draft.progress;
  if (value.state === "sending") {
    return (
      <label class="draft-status">
        {name}: {value.isWaiting ? "waiting for a connection" : `uploading, ${percent.format(value.part)}`}
        <progress max={1} value={value.part} />
      </label>
    );
  }
  if (value.state === "failed") {
    return <Stopped why={`${name}: ${value.problem.message}`} action="Upload again" retry={() => void draft.send()} />;
  }
  if (value.state === "rejected") {
    const { reason, again } = value;
    const retry = again && (() => void draft.inspectAgain(again));
    return <Stopped why={`${name}: ${reason}`} action="Try again" retry={retry} />;
  }
  return (
    <div class="draft-status" role="status">
      {name}: {value.state === "ready" ? "ready" : "processing"}
      {value.state === "inspecting" && <progress />}
    </div>
  );
}

type StoppedProps = { why: string; action: string; retry: (() => void) | undefined };

const Stopped = ({ why, action, retry }: StoppedProps) => (
  <div class="draft-status form-error" role="alert">
    {why}
    {retry && (
      <button class="button" type="button" onClick={retry}>
        {action}
      </button>
    )}
  </div>
);
