/** Something that somebody should look at. */
export interface Alert {
  readonly subject: string;
  readonly message: string;
  /** Epoch ms. */
  readonly at: number;
}

/** Where alerts go besides mail, which may be what is broken. */
export interface AlertHook {
  /** @throws Error when it was not taken: nothing secret is in it */
  post(alert: Alert): Promise<void>;
}
