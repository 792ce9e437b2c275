import { dismiss, toast } from "../../browser/toast.ts";
import { Icon } from "../common/icon.tsx";

/** Both live regions are always rendered: a screen reader announces only changes in a region it already knows. */
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
