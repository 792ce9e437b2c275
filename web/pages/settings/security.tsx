import { PasswordForm } from "../../components/account/password-form.tsx";
import { RecoveryCodes } from "../../components/account/recovery-codes.tsx";
import { Sessions } from "../../components/account/sessions.tsx";
import { SettingsFrame } from "./frame.tsx";

export const SecuritySettings = () => (
  <SettingsFrame>
    <Sessions />
    <PasswordForm />
    <RecoveryCodes />
  </SettingsFrame>
);
