/** Headers that every answer carries: what it says is for this caller, now, and is what it says it is. */
export function withHeaders(response: Response): Response {
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Cache-Control", "no-store");
  // A page with forms says so itself: without a referrer they would come from nowhere.
  if (!response.headers.has("Referrer-Policy")) {
    response.headers.set("Referrer-Policy", "no-referrer");
  }
  // Means nothing over plain HTTP, as in development.
  response.headers.set("Strict-Transport-Security", "max-age=31536000");
  return response;
}
