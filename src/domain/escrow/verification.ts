import { findUsers } from "../accounts/index.ts";
import { decideAndCommit, type Actor, type EscrowParts, type Proposal } from "./commit.ts";
import { insertChange } from "./write-changes.ts";
import { sendVerificationNotification } from "./verification-notification.ts";
import {
  findVerification,
  putVerification,
  subjectOf,
  type Verification,
} from "./verification-rows.ts";
import { verificationTransition, type VerificationEvent } from "./verification-states.ts";

/** What a seller says of themself. */
export interface Submission {
  readonly legalName: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly details: string;
}

/**
 * - `changed`: by this call. `same`: it was so before.
 * - `wrong_state`: it has no meaning as things are (there is nothing to decide over; it is under way).
 * - `no_user`: there is no such account.
 */
export type VerificationAnswer =
  | { readonly kind: "changed" | "same"; readonly verification: Verification }
  | { readonly kind: "wrong_state" | "no_user" };

/** A seller asks to be verified, for the first time or again. Their own details while it waits are the same. */
export function submitVerification(
  parts: EscrowParts,
  actor: Actor,
  userId: number,
  submission: Submission,
): Promise<VerificationAnswer> {
  const now = parts.clock.now();
  const change = { ...submission, reason: null, submittedAt: now, decidedAt: null };
  return changeVerification(parts, actor, userId, "submit", (before) =>
    before === null ? change : { ...before, ...change },
  );
}

/** The shop says whether a seller is verified, or takes it back. */
export function decideVerification(
  parts: EscrowParts,
  actor: Actor,
  userId: number,
  { isVerified, reason }: { readonly isVerified: boolean; readonly reason: string | null },
): Promise<VerificationAnswer> {
  const event = isVerified ? "verify" : "reject";
  return changeVerification(parts, actor, userId, event, (before) =>
    before === null ? null : { ...before, reason, decidedAt: parts.clock.now() },
  );
}

type Content = Omit<Verification, "userId" | "status" | "version">;

/** @param contentAfter null: it can't be said of somebody who never submitted anything */
function changeVerification(
  parts: EscrowParts,
  { owner }: Actor,
  userId: number,
  event: VerificationEvent,
  contentAfter: (before: Verification | null) => Content | null,
): Promise<VerificationAnswer> {
  const { db, clock } = parts;
  return decideAndCommit(parts, async (): Promise<Proposal<VerificationAnswer>> => {
    if (!(await findUsers(db, [userId])).has(userId))
      return { answer: { kind: "no_user" }, write: null };
    const before = await findVerification(db, userId);
    const status = verificationTransition(before?.status ?? "NONE", event);
    const content = contentAfter(before);
    if (status === null || content === null)
      return { answer: repeated(before, event, content), write: null };
    const number = (before?.version ?? 0) + 1;
    const verification = { ...content, userId, status, version: number };
    return {
      answer: { kind: "changed", verification },
      write: {
        change: {
          subject: subjectOf(userId),
          number,
          event,
          notification: status,
          milestone: null,
          detail: content.reason,
          role: event === "submit" ? "seller" : "shop",
          actor: owner,
          at: clock.now(),
        },
        notification: sendVerificationNotification.s({
          user_id: userId,
          verification_status: status,
          change: number,
        }),
        statements: (change) => [insertChange(db, change), putVerification(db, verification)],
      },
    };
  });
}

/** The answer where nothing changes: it is as it was asked for, or can't be. */
function repeated(
  before: Verification | null,
  event: VerificationEvent,
  content: Content | null,
): VerificationAnswer {
  if (before === null) return { kind: "wrong_state" };
  const isSame =
    event === "submit"
      ? before.legalName === content?.legalName &&
        before.country === content.country &&
        before.details === content.details
      : before.status === (event === "verify" ? "VERIFIED" : "REJECTED");
  return isSame ? { kind: "same", verification: before } : { kind: "wrong_state" };
}
