import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { OwnDecision } from "../../schema/api/moderation.ts";
import { api } from "../api/api.ts";
import { showToast } from "../browser/toast.ts";
import { Paged } from "../components/common/paged.tsx";
import { Prose } from "../components/common/prose.tsx";
import { Empty, RowsSkeleton } from "../components/common/states.tsx";
import { Time } from "../components/common/time.tsx";
import { FormProblem } from "../components/controls/form-problem.tsx";
import { Area } from "../components/controls/field.tsx";
import { useSubmit } from "../components/controls/submit.ts";
import { useTitle } from "../components/frame/title.ts";
import { decisions } from "../state/lists.ts";
import { decisionTitle } from "../words/moderation.ts";

const ANSWER_MAX = 1000;
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" });

const none = (
  <Empty icon="warning" title="No decisions">
    <p>If a moderator ever decides about you or what you have posted, you read here what and why.</p>
  </Empty>
);

/** What moderators have decided about the viewer. */
export function DecisionsPage() {
  useTitle("Decisions about you");
  const list = useMemo(decisions, []);
  return (
    <div class="column">
      <h1>Decisions about you</h1>
      <Paged list={list} waiting={<RowsSkeleton rows={2} />} empty={none}>
        {(items) => (
          <ul class="cases">
            {items.map((decision) => (
              <DecisionEntry
                key={`${decision.subject} ${decision.mayAnswer}`}
                decision={decision}
                reload={() => void list.refresh()}
              />
            ))}
          </ul>
        )}
      </Paged>
    </div>
  );
}

function DecisionEntry({ decision, reload }: { decision: OwnDecision; reload: () => void }) {
  const { kind, action, excerpt, reason, at, until, inForce, appeal, answer, mayAnswer, post } = decision;
  return (
    <li class="case">
      <h2 class="case-title">
        {decisionTitle(action, kind)}
        {until !== undefined && inForce && `, until ${format.format(new Date(until))}`}
      </h2>
      <p class="soft">
        <Time at={at} />
        {!inForce && action !== "warn" && action !== "restore" && " · no longer in force"}
      </p>
      {excerpt && <blockquote class="case-content">{excerpt}</blockquote>}
      <p class="prose">
        <b>Reason:</b> <Prose text={reason} />
      </p>
      {appeal && (
        <p class="prose">
          <b>You answered:</b> <Prose text={appeal.text} />
        </p>
      )}
      {appeal && !answer && <p class="soft">A moderator will read your answer and decide again.</p>}
      {answer !== undefined && action !== "restore" && (
        <p class="prose">
          <b>The decision stands:</b> <Prose text={answer} />
        </p>
      )}
      {kind !== "person" && post !== undefined && (
        <a class="case-link" href={`/posts/${post}`}>
          Open the post
        </a>
      )}
      {mayAnswer && <AnswerForm subject={decision.subject} reload={reload} />}
    </li>
  );
}

function AnswerForm({ subject, reload }: { subject: string; reload: () => void }) {
  const text = useSignal("");
  const { problem, busy, onSubmit } = useSubmit(async () => {
    await api.answerDecision(subject, text.value);
    showToast("Sent to the moderators");
    reload();
  });
  return (
    <form class="dialog-form" onSubmit={onSubmit}>
      <Area
        label="Your answer"
        name="text"
        rows={3}
        max={ANSWER_MAX}
        value={text.value}
        hint="You can answer once."
        error={problem?.fields["text"]}
        onText={(value) => (text.value = value)}
      />
      <FormProblem problem={problem} />
      <p>
        <button class="button button-main" type="submit" disabled={busy || text.value.trim() === ""}>
          {busy ? "Sending…" : "Send answer"}
        </button>
      </p>
    </form>
  );
}
