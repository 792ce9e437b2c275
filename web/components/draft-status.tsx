import type { Draft } from "../drafts.ts";

const percent = new Intl.NumberFormat("en-GB", { style: "percent" });

/** How far it is, or why it went no further and what helps. */
export function DraftStatus({ draft, name }: { draft: Draft; name: string }) {
  const { value } = draft.progress;
  if (value.state === "sending") {
    return (
      <label class="draft-status">
        {name}: {value.isWaiting ? "Waiting for the connection" : `sending, ${percent.format(value.part)}`}
        <progress max={1} value={value.part} />
      </label>
    );
  }
  if (value.state === "failed") {
    return <Wrong says={`${name}: ${value.problem.message}`} does="Send again" retry={() => void draft.send()} />;
  }
  if (value.state === "rejected") {
    const { reason, again } = value;
    const retry = again && (() => void draft.inspectAgain(again));
    return <Wrong says={`${name}: ${reason}`} does="Try again" retry={retry} />;
  }
  return (
    <div class="draft-status" role="status">
      {name}: {value.state === "ready" ? "ready" : "being prepared"}
      {value.state === "inspecting" && <progress />}
    </div>
  );
}

type WrongProps = { says: string; does: string; retry: (() => void) | undefined };

const Wrong = ({ says, does, retry }: WrongProps) => (
  <div class="draft-status form-error" role="alert">
    {says}
    {retry && (
      <button class="button" type="button" onClick={retry}>
        {does}
      </button>
    )}
  </div>
);
