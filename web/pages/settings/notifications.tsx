import { NotificationSettings } from "../../components/notifications/notification-settings.tsx";
import { PushSwitch } from "../../components/notifications/push-switch.tsx";
import { SettingsFrame } from "./frame.tsx";

export const NotificationsSettings = () => (
  <SettingsFrame>
    <PushSwitch />
    <NotificationSettings />
  </SettingsFrame>
);
