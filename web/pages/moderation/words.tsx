import { useRef } from "preact/hooks";
import type { SiteFilter } from "../../../schema/api/moderation.ts";
import { FILTER_ACTIONS, WORD_MAX } from "../../../schema/comment-rules.ts";
import { api } from "../../api/api.ts";
import { useLoad } from "../../api/load.ts";
import { asProblem } from "../../api/problem.ts";
import { showToast } from "../../browser/toast.ts";
import { Failure, RowsSkeleton } from "../../components/common/states.tsx";
import { Field } from "../../components/controls/field.tsx";
import { FormProblem } from "../../components/controls/form-problem.tsx";
import { textOf, typed, useSubmit } from "../../components/controls/submit.ts";
import { FILTERS } from "../../words/moderation.ts";
import { ModerationFrame } from "./frame.tsx";

/** The words that are filtered in the comments of everybody. */
export function FilteredWordsPage() {
  const { value, problem, reload } = useLoad("site-filters", api.siteFilters);
  return (
    <ModerationFrame>
      <p class="soft">They apply to new and edited comments everywhere. What they have hidden stays hidden.</p>
      <NewWord added={reload} />
      {problem.value && <Failure problem={problem.value} retry={reload} />}
      {value.value ? (
        <Words filters={value.value.items} reload={reload} />
      ) : (
        !problem.value && <RowsSkeleton rows={2} />
      )}
    </ModerationFrame>
  );
}

function NewWord({ added }: { added: () => void }) {
  const form = useRef<HTMLFormElement>(null);
  const { problem, busy, onSubmit } = useSubmit(async (sent) => {
    const word = textOf(sent, "word");
    await api.filterWord({ word, action: typed(sent, "action") as SiteFilter["action"] });
    form.current?.reset();
    showToast(`“${word}” is filtered`);
    added();
  });
  const fields = problem?.fields ?? {};
  return (
    <form class="section" ref={form} onSubmit={onSubmit}>
      <Field
        label="Word or phrase"
        name="word"
        autocomplete="off"
        required
        maxLength={WORD_MAX}
        error={fields["word"]}
      />
      <fieldset class="options">
        <legend class="unseen">What happens to comments with it</legend>
        {FILTER_ACTIONS.map((action, place) => (
          <label class="option" key={action}>
            <input type="radio" name="action" value={action} defaultChecked={place === 0} />
            <span>{FILTERS[action]}</span>
          </label>
        ))}
      </fieldset>
      <FormProblem problem={problem} fields={fields} />
      <p>
        <button class="button" type="submit" disabled={busy}>
          {busy ? "Adding…" : "Add word"}
        </button>
      </p>
    </form>
  );
}

function Words({ filters, reload }: { filters: SiteFilter[]; reload: () => void }) {
  const remove = async ({ word }: SiteFilter) => {
    try {
      await api.filterWordNoLonger(word);
      showToast(`“${word}” is no longer filtered`);
      reload();
    } catch (error) {
      showToast(asProblem(error).message, "error");
    }
  };
  if (filters.length === 0) return <p class="soft">No words are filtered.</p>;
  return (
    <ul>
      {filters.map((filter) => (
        <li class="row row-spread" key={filter.word}>
          <span class="row-names">
            <span class="row-name">{filter.word}</span>
            <span class="soft">{FILTERS[filter.action]}</span>
          </span>
          <button
            class="button"
            type="button"
            aria-label={`Remove the filter of ${filter.word}`}
            onClick={() => void remove(filter)}
          >
            Remove
          </button>
        </li>
      ))}
    </ul>
  );
}
