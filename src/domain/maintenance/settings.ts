/** What the deployment says of its maintenance. */
export interface MaintenanceSettings {
  /** Mails that are through are kept this long, days. */
  readonly mailDays: number;
  /** The log of what operators did is kept this long, days. */
  readonly auditDays: number;
  /** So many finished backups are kept: the newest. */
  readonly backupsKept: number;
  /**
   * Keys that backups are encrypted with, 32 bytes each as base64, the current one first; none: they are
   * plain, and what is secret is left out.
   */
  readonly backupKeys: readonly string[];
  /** Templates of mails with a secret in them. */
  readonly secretTemplates: readonly string[];
}
