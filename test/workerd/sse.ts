/** What a client of server-sent events has read. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(answer: Response) {
    if (answer.body === null) throw new Error("no body");
    this.#reader = answer.body.getReader();
  }

  /** The data of the next event. */
  async next<T>(): Promise<T> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) return JSON.parse(data) as T;
        continue;
      }
      const { done, value } = await this.#reader.read();
      if (done) throw new Error("The stream has ended.");
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}
