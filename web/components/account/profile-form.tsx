import { useSignal } from "@preact/signals";
import { api } from "../../api/api.ts";
import { showToast } from "../../browser/toast.ts";
import { BIO_MAX, HANDLE_PATTERN, NAME_MAX } from "../../limits.ts";
import { me, setMe } from "../../state/session.ts";
import { FormProblem } from "../controls/form-problem.tsx";
import { Area, Field } from "../controls/field.tsx";
import { textOf, useSubmit } from "../controls/submit.ts";

export function ProfileForm() {
  const bio = useSignal(me.value?.bio ?? "");
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    const handle = textOf(form, "handle");
    const isNew = handle !== me.value?.handle;
    setMe(await api.editMe({ ...(isNew && { handle }), name: textOf(form, "name"), bio: bio.value }));
    showToast("Saved");
  });
  const isAboutHandle = problem?.code === "handle_taken" || problem?.code === "handle_changed_lately";
  const fields = isAboutHandle ? { handle: problem.message } : (problem?.fields ?? {});
  return (
    <form class="section" onSubmit={onSubmit}>
      <h2>Profile</h2>
      <Field
        label="Name"
        name="name"
        autocomplete="name"
        required
        maxLength={NAME_MAX}
        defaultValue={me.value?.name ?? ""}
        error={fields["name"]}
      />
      <Field
        label="Handle"
        name="handle"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        required
        pattern={HANDLE_PATTERN}
        title="3 to 30 lowercase letters, digits or underscores"
        hint="You can change it once a day. Your former handle leads to you for 30 days."
        defaultValue={me.value?.handle ?? ""}
        error={fields["handle"]}
      />
      <Area
        label="About you"
        name="bio"
        rows={3}
        max={BIO_MAX}
        value={bio.value}
        error={fields["bio"]}
        onText={(text) => (bio.value = text)}
      />
      <FormProblem problem={problem} fields={fields} />
      <p>
        <button class="button button-main" type="submit" aria-disabled={busy}>
          {busy ? "Saving…" : "Save"}
        </button>
      </p>
    </form>
  );
}
