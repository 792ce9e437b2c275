type Props = { close: () => void; action: string; disabled: boolean; isDestructive?: boolean };

/** The buttons of a form in a dialog. Cancel comes first, so that it has the focus and a hasty Enter does no harm. */
export const DialogButtons = ({ close, action, disabled, isDestructive = false }: Props) => (
  <div class="buttons dialog-buttons">
    <button class="button" type="button" onClick={close}>
      Cancel
    </button>
    <button class={`button ${isDestructive ? "button-danger" : "button-main"}`} type="submit" disabled={disabled}>
      {action}
    </button>
  </div>
);
