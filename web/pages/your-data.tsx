import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import type { ExportPart } from "../../schema/api/exports.ts";
import { api } from "../api/api.ts";
import { asProblem } from "../api/problem.ts";
import { showToast } from "../browser/toast.ts";
import { OwnPassword } from "../components/account/own-password.tsx";
import { FormProblem } from "../components/controls/form-problem.tsx";
import { Field } from "../components/controls/field.tsx";
import { textOf, typed, useSubmit } from "../components/controls/submit.ts";
import { useTitle } from "../components/frame/title.ts";
import { closeAccount, me } from "../state/session.ts";

/** Downloading what belongs to the viewer, and closing their account. */
export function YourDataPage() {
  useTitle("Your data");
  return (
    <div class="column settings">
      <p>
        <a href="/settings">Settings</a>
      </p>
      <h1>Your data</h1>
      <Download />
      <Closing />
    </div>
  );
}

function Download() {
  const parts = useSignal<ExportPart[] | undefined>(undefined);
  const busy = useSignal(false);
  const prepare = async () => {
    if (busy.value) return;
    busy.value = true;
    try {
      parts.value = (await api.exportParts()).parts;
    } catch (error) {
      showToast(asProblem(error).message, "error");
    } finally {
      busy.value = false;
    }
  };
  return (
    <section class="section">
      <h2>Download a copy</h2>
      <p class="soft">
        Your posts, comments, likes, follows and settings, and the photos and videos as you uploaded them. The copy
        comes in one or more ZIP files. Only you can download them.
      </p>
      <div aria-live="polite">
        {parts.value && (
          <ul class="downloads">
            {parts.value.map(({ name, path, files, bytes }) => (
              <li key={path}>
                <a href={path} download={name}>
                  {name}
                </a>{" "}
                <span class="soft">{files === undefined ? "JSON" : contentsOf(files, bytes ?? 0)}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <p>
        <button class="button" type="button" aria-disabled={busy.value} onClick={() => void prepare()}>
          {busy.value ? "Preparing…" : parts.value ? "Prepare again" : "Prepare a download"}
        </button>
      </p>
    </section>
  );
}

function contentsOf(files: number, bytes: number): string {
  const size = bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  return `${files} ${files === 1 ? "file" : "files"}, ${size}`;
}

function Closing() {
  const handle = me.value?.handle ?? "";
  const mismatch = useSignal<string | undefined>(undefined);
  const { route } = useLocation();
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    const isTyped = textOf(form, "confirmation").replace(/^@/, "") === handle;
    mismatch.value = isTyped ? undefined : `Type ${handle} to go on.`;
    if (!isTyped) return;
    await closeAccount(typed(form, "password"));
    route("/");
    showToast("Your account is closed");
  });
  const fields = problem?.fields ?? {};
  return (
    <form class="section" onSubmit={onSubmit}>
      <h2>Close your account</h2>
      <ul class="plain-list">
        <li>Your profile and your posts disappear at once, and you are signed out everywhere.</li>
        <li>Your posts, photos, videos, comments, likes and follows are erased within minutes.</li>
        <li>Nobody else can take the name @{handle} for 30 days.</li>
        <li>This can’t be undone. Download a copy first if you want to keep anything.</li>
      </ul>
      <Field
        label={`Type your handle, ${handle}`}
        name="confirmation"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        required
        error={mismatch.value}
      />
      <OwnPassword error={fields["password"]} />
      <FormProblem problem={problem} fields={fields} />
      <p>
        <button class="button button-danger" type="submit" aria-disabled={busy}>
          {busy ? "Closing…" : "Close my account for good"}
        </button>
      </p>
    </form>
  );
}
