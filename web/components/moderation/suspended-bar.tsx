import { me } from "../../state/session.ts";

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" });

/** Tells a suspended person why nothing can be written. */
export function SuspendedBar() {
  const suspended = me.value?.suspended;
  if (!suspended) return null;
  const { until } = suspended;
  return (
    <p class="suspended" role="status">
      {until === null
        ? "A moderator has closed your account: nobody else sees your profile and posts."
        : `Your account is suspended until ${format.format(new Date(until))}: you can read, but not write.`}{" "}
      <a href="/decisions">Read why</a>
    </p>
  );
}
