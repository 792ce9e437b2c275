import { dismiss, toast } from "../toast.ts";
import { Icon } from "./icon.tsx";

/** Both regions are always there: a screen reader hears only what appears in a region that it knows. */
export function Toasts() {
  const shown = toast.value;
  return (
    <div class="toasts">
      <div role="status">{shown?.kind === "status" && <Message text={shown.text} />}</div>
      <div role="alert">{shown?.kind === "error" && <Message text={shown.text} />}</div>
    </div>
  );
}

const Message = ({ text }: { text: string }) => (
  <p class="toast">
    <span>{text}</span>
    <button class="icon-button" type="button" onClick={dismiss}>
      <Icon name="close" />
      <span class="unseen">Dismiss</span>
    </button>
  </p>
);
