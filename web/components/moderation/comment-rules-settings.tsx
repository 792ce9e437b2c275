import { useSignal } from "@preact/signals";
import type { CommentRules } from "../../../schema/api/moderation.ts";
import type { PersonCard } from "../../../schema/api/people.ts";
import { api } from "../../api/api.ts";
import { useLoad } from "../../api/load.ts";
import { asProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { nameOf } from "../../words/names.ts";
import { Failure, RowsSkeleton } from "../common/states.tsx";
import { FormProblem } from "../controls/form-problem.tsx";
import { Area } from "../controls/field.tsx";
import { useSubmit } from "../controls/submit.ts";
import { PersonRow } from "../people/person-row.tsx";
import { UndoButton } from "../people/undo-button.tsx";

/** About 100 words of usual length; the API counts them exactly. */
const TEXT_MAX = 2000;

/** Who and which words are held back under the viewer's posts. */
export function CommentRulesSettings() {
  const { value, problem, reload } = useLoad("comment-rules", api.commentRules);
  if (problem.value) return <Failure problem={problem.value} retry={reload} />;
  return (
    <>
      <section class="section">
        <h2>Restricted</h2>
        <p class="soft">Only you and they see what they comment on your posts, until you show it. They aren’t told.</p>
        {value.value ? <Restricted rules={value.value} reload={reload} /> : <RowsSkeleton rows={1} />}
      </section>
      {value.value && <Words key={value.value.words.join()} words={value.value.words} reload={reload} />}
    </>
  );
}

function Restricted({ rules: { restricted }, reload }: { rules: CommentRules; reload: () => void }) {
  const allow = async (person: PersonCard) => {
    try {
      await api.restrict(person.handle, false);
      showToast(`${nameOf(person)} is no longer restricted`);
      reload();
    } catch (error) {
      showToast(asProblem(error).message, "error");
    }
  };
  if (restricted.length === 0) return <p class="soft">You haven’t restricted anyone.</p>;
  return (
    <ul>
      {restricted.map((person) => (
        <PersonRow key={person.id} person={person}>
          <UndoButton person={person} action="Allow" undo={() => allow(person)} />
        </PersonRow>
      ))}
    </ul>
  );
}

function Words({ words, reload }: { words: string[]; reload: () => void }) {
  const text = useSignal(words.join("\n"));
  const { problem, busy, onSubmit } = useSubmit(async () => {
    const lines = text.value.split("\n").map((line) => line.trim());
    await api.filterWords(lines.filter((line) => line !== ""));
    showToast("Saved");
    reload();
  });
  return (
    <form class="section" onSubmit={onSubmit}>
      <h2>Filtered words</h2>
      <Area
        label="Words that hold comments back"
        name="words"
        rows={4}
        max={TEXT_MAX}
        value={text.value}
        hint="One on each line. You decide whether to show such a comment."
        onText={(value) => (text.value = value)}
      />
      <FormProblem problem={problem} />
      <p>
        <button class="button" type="submit" disabled={busy}>
          {busy ? "Saving…" : "Save words"}
        </button>
      </p>
    </form>
  );
}
