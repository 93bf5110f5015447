import { reviewReminder, sendReviewReminder } from "./review-reminder.ts";

export {
  deleteReview,
  listReviews,
  putReview,
  ratingOf,
  withdrawReminder,
  type Review,
} from "./review-book.ts";
export { sendReviewReminder } from "./review-reminder.ts";

export const reviewTasks = [sendReviewReminder] as const;
export const reviewMails = [reviewReminder];
