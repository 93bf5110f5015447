import type { DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";
import { cleanupExpiredTokens, cleanupSchedule } from "./cleanup.ts";
import { emailChanged, passwordChanged, passwordWasReset } from "./notices.ts";
import { passwordReset, sendPasswordResetEmail } from "./password-reset.ts";
import { addressInUse, sendWelcomeEmail, welcome } from "./welcome.ts";

export {
  findReachable,
  findUsers,
  listAdmins,
  listUsers,
  usersBetween,
  usersInParts,
  type User,
} from "./find-users.ts";
export type { AccountParts, Origin, Refusal } from "./parts.ts";
export { MAX_PASSWORD } from "./password-rules.ts";
export { confirmReset, requestReset } from "./password-reset.ts";
export { changeEmail, changePassword, changeProfile } from "./profile.ts";
export { register } from "./registration.ts";
export { setRole } from "./roles.ts";
export { ROLES, type Role } from "./tables.ts";
export {
  authenticate,
  endOf,
  listSessions,
  revokeSession,
  revokeSessions,
  sessionIdOf,
  type Session,
} from "./sessions.ts";
export { countWish, login } from "./sign-in.ts";

export const accountTasks = [
  sendWelcomeEmail,
  sendPasswordResetEmail,
  cleanupExpiredTokens,
] as const;
export const accountMails: readonly AnyMail[] = [
  welcome,
  addressInUse,
  passwordReset,
  passwordChanged,
  passwordWasReset,
  emailChanged,
];
export const accountSchedules = (timezone: string): readonly DeclaredSchedule[] => [
  cleanupSchedule(timezone),
];
