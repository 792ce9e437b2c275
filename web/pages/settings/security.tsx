import { api } from "../../api/api.ts";
import { useLoad } from "../../api/load.ts";
import { Passkeys } from "../../components/account/passkeys.tsx";
import { PasswordForm } from "../../components/account/password-form.tsx";
import { RecoveryCodes } from "../../components/account/recovery-codes.tsx";
import { Sessions } from "../../components/account/sessions.tsx";
import { SettingsFrame } from "./frame.tsx";

export function SecuritySettings() {
  const passkeys = useLoad("passkeys", api.passkeys);
  return (
    <SettingsFrame>
      <Sessions />
      <Passkeys list={passkeys} />
      <PasswordForm passkeys={passkeys.value.value?.items.length ?? 0} passkeysRemoved={passkeys.reload} />
      <RecoveryCodes />
    </SettingsFrame>
  );
}
