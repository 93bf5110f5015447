/** The mail that the bench sends, by the Worker and by Node. */
export const SAMPLE_MAIL = {
  from: "Shop <shop@example.com>",
  to: "reader@example.com",
  subject: "Order confirmation #42",
  text: "Thank you for your order #42! We have started processing it.\n".repeat(10),
  html: "<p>Thank you for your order #42! We have started processing it.</p>\n".repeat(40),
};
