import { ago, fullDate } from "../../words/times.ts";

export function Time({ at }: { at: string }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={fullDate(date)}>
      {ago(date)}
    </time>
  );
}
