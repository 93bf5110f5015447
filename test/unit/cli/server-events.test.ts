import { expect, it } from "vitest";
import { eventsOf } from "../../../src/delivery/cli/server-events.ts";

const STREAM =
  ': hello\n\nevent: tasks\ndata: {"events":\ndata: ["ä"]}\n\ndata: plain\r\n\r\nevent: lost\n\ndata: cut off';

it("events are the same wherever the stream is cut, in the middle of a character too", async () => {
  const bytes = new TextEncoder().encode(STREAM);
  for (const size of [1, 2, 7, bytes.length]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_chunk, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    const body = (async function* () {
      yield* chunks;
    })();
    const events = [];
    for await (const event of eventsOf(body)) events.push(event);
    expect(events).toEqual([
      { event: "tasks", data: '{"events":\n["ä"]}' },
      { event: "message", data: "plain" },
    ]);
  }
});
