import { useSignal } from "@preact/signals";
import { api } from "../../api/api.ts";
import { showToast } from "../../browser/toast.ts";
import { BIO_MAX, NAME_MAX } from "../../limits.ts";
import { me, setMe } from "../../state/session.ts";
import { Area, Field } from "../controls/field.tsx";
import { textOf, useSubmit } from "../controls/submit.ts";

export function ProfileForm() {
  const bio = useSignal(me.value?.bio ?? "");
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    setMe(await api.editMe({ name: textOf(form, "name"), bio: bio.value }));
    showToast("Saved");
  });
  const fields = problem?.fields ?? {};
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
      <Area
        label="About you"
        name="bio"
        rows={3}
        max={BIO_MAX}
        value={bio.value}
        error={fields["bio"]}
        onText={(text) => (bio.value = text)}
      />
      <div role="alert">
        {problem && Object.keys(fields).length === 0 && <p class="form-error">{problem.message}</p>}
      </div>
      <p>
        <button class="button button-main" type="submit" aria-disabled={busy}>
          {busy ? "Saving…" : "Save"}
        </button>
      </p>
    </form>
  );
}
