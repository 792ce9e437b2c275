import type { Preferences } from "../../../schema/api/notifications.ts";
import type { NotificationSource, OptionalKind } from "../../../schema/notifications.ts";
import { api } from "../../api/api.ts";
import { useLoad } from "../../api/load.ts";
import { showToast } from "../../browser/toast.ts";
import { Failure, RowsSkeleton } from "../common/states.tsx";
import { FormProblem } from "../controls/form-problem.tsx";
import { typed, useSubmit } from "../controls/submit.ts";

const KINDS: [OptionalKind, string][] = [
  ["like", "Likes"],
  ["comment", "Comments"],
  ["reply", "Replies"],
  ["mention", "Mentions"],
  ["comment_like", "Likes on your comments"],
  ["follow", "New followers"],
  ["follow_request", "Follow requests"],
  ["request_accepted", "Accepted requests"],
  ["new_post", "New posts (bell turned on)"],
];
const WHO: Record<NotificationSource, string> = {
  everyone: "From everyone",
  following: "From people you follow",
  nobody: "Off",
};

/** Which notifications a person gets, from whom, and when their devices stay silent. */
export function NotificationSettings() {
  const { value, problem, reload } = useLoad("preferences", api.preferences);
  return (
    <section class="section">
      <h2>Notifications</h2>
      {value.value ? (
        <Form preferences={value.value} />
      ) : problem.value ? (
        <Failure problem={problem.value} retry={reload} />
      ) : (
        <RowsSkeleton rows={3} />
      )}
    </section>
  );
}

function Form({ preferences: { kinds, quietHours } }: { preferences: Preferences }) {
  const { problem, busy, onSubmit } = useSubmit(async (form) => {
    await api.choosePreferences(preferencesIn(form));
    showToast("Saved");
  });
  return (
    <form class="notification-settings" onSubmit={onSubmit}>
      <table class="notification-kinds">
        <thead>
          <tr>
            <th scope="col">About</th>
            <th scope="col">From</th>
            <th scope="col">Push</th>
          </tr>
        </thead>
        <tbody>
          {KINDS.map(([kind, name]) => (
            <tr key={kind}>
              <th scope="row">{name}</th>
              <td>
                <select name={`${kind}.who`} aria-label={`${name}: from whom`} defaultValue={kinds[kind].who}>
                  {Object.entries(WHO).map(([who, label]) => (
                    <option key={who} value={who} selected={who === kinds[kind].who}>
                      {label}
                    </option>
                  ))}
                </select>
              </td>
              <td>
                <input
                  type="checkbox"
                  name={`${kind}.push`}
                  aria-label={`${name}: push to your devices`}
                  defaultChecked={kinds[kind].push}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="quiet-hours">
        <label class="option">
          <input type="checkbox" name="quiet" defaultChecked={quietHours !== null} />
          <span>
            Quiet hours
            <span class="note">Your devices stay silent. You’re notified of what you missed afterwards.</span>
          </span>
        </label>
        <div class="quiet-times">
          <label>
            From <input type="time" name="from" required defaultValue={quietHours?.from ?? "22:00"} />
          </label>
          <label>
            to <input type="time" name="to" required defaultValue={quietHours?.to ?? "07:00"} />
          </label>
          <span class="note">{quietHours?.timeZone ?? ownTimeZone()}</span>
        </div>
      </div>
      <FormProblem problem={problem} />
      <p>
        <button class="button button-main" type="submit" aria-disabled={busy}>
          {busy ? "Saving…" : "Save"}
        </button>
      </p>
    </form>
  );
}

function preferencesIn(form: FormData): Preferences {
  const kinds = KINDS.map(([kind]) => [kind, { who: typed(form, `${kind}.who`), push: form.has(`${kind}.push`) }]);
  const quietHours = { from: typed(form, "from"), to: typed(form, "to"), timeZone: ownTimeZone() };
  return {
    kinds: Object.fromEntries(kinds) as Preferences["kinds"],
    quietHours: form.has("quiet") ? quietHours : null,
  };
}

const ownTimeZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;
