export { AuditLog, type AuditEntry, type Audited } from "./audit-log.ts";
export { deleteOldEntries } from "./old-entries.ts";
export { LEFT_OUT, MAX_DETAIL_BYTES, shownDetail } from "./shown-detail.ts";
export { PROOFS } from "./tables.ts";
