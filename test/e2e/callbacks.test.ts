import { createHmac, timingSafeEqual } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";
import { from, Receiver, status, type Received } from "./receiver.ts";

const SECRET = `whsec_${Buffer.from("the secret of the receivers, now").toString("base64")}`;
const PREVIOUS = `whsec_${Buffer.from("the secret of the receivers, old").toString("base64")}`;
/** Part of every URL that a test gives: found nowhere but in what is sent. */
const TOKEN = "path-token-that-nobody-else-sees";

const state = mkdtempSync(join(tmpdir(), "lovage-callbacks-"));
const vars = {
  CALLBACK_HOSTS: "127.0.0.1,localhost",
  CALLBACK_LOCAL: "true",
  CALLBACK_SECRET: SECRET,
  CALLBACK_SECRET_PREVIOUS: PREVIOUS,
  SECRETS_KEY: Buffer.alloc(32, 7).toString("base64"),
};
const options = { port: 8_796, config: "wrangler.toml", state };
let server: LocalServer;
let receiver: Receiver;

beforeAll(async () => {
  server = await LocalServer.start({ ...options, vars });
  receiver = await Receiver.start();
});

afterAll(async () => {
  await server.kill();
  await receiver.close();
  rmSync(state, { recursive: true, force: true });
});

interface Task {
  readonly task_id: string;
  readonly state: string;
  readonly result: unknown;
  readonly error: { exc_type: string; exc_message: string } | null;
  readonly retries: number;
  readonly dead_lettered: boolean;
  readonly options: { callback?: { host: string; task_id: string } };
}

interface Said {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

async function post<T>(path: string, body: unknown): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(`${server.url}${path}`, init);
  expect(answer.status).toBeLessThan(300);
  return answer.json<T>();
}

async function read<T>(path: string): Promise<T> {
  return (await fetch(`${server.url}${path}`)).json<T>();
}

/** Calls a task whose end is told to a URL. */
async function call(callback_url: string, over: Record<string, unknown> = {}): Promise<string> {
  const body = { name: "process_data", kwargs: { data: "x" }, callback_url, ...over };
  return (await post<{ task_id: string }>("/api/tasks/", body)).task_id;
}

/** The task that tells of the end of this one. */
async function delivery(id: string): Promise<Task> {
  const { options: its } = await read<Task>(`/api/tasks/${id}/`);
  return read<Task>(`/api/tasks/${its.callback?.task_id}/`);
}

/** The delivery when it has been tried, and says so. */
async function settled(id: string, wanted: string, timeout = 20_000): Promise<Task> {
  const stateOf = async () => (await delivery(id)).state;
  await expect.poll(stateOf, { timeout, interval: 100 }).toBe(wanted);
  return delivery(id);
}

/** What a path was sent, when it has been sent so much. */
async function sent(path: string, count = 1, timeout = 20_000): Promise<Received[]> {
  await expect.poll(() => receiver.of(path).length, { timeout, interval: 50 }).toBe(count);
  return receiver.of(path);
}

/** By the specification alone: what a receiver does. */
function isSigned({ headers, body }: Received, secret: string): boolean {
  const [id, time] = [String(headers["webhook-id"]), String(headers["webhook-timestamp"])];
  if (Math.abs(Date.now() / 1_000 - Number(time)) > 300) return false;
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${time}.${body}`).digest();
  return String(headers["webhook-signature"])
    .split(" ")
    .filter((each) => each.startsWith("v1,"))
    .map((each) => Buffer.from(each.slice(3), "base64"))
    .some((mac) => mac.length === expected.length && timingSafeEqual(mac, expected));
}

const said = ([received]: readonly Received[]) => JSON.parse(received?.body ?? "") as Said;

it("a success is told once, signed with both secrets, under the id of its delivery", async () => {
  const path = `/success/${TOKEN}?q=${TOKEN}`;
  const id = await call(receiver.url(path, status(204)), { labels: { tenant: "7" } });
  const all = await sent(path);
  const [request] = all;
  const { task_id: deliveryId, result } = await settled(id, "SUCCESS");
  const { trace_id: trace } = await read<{ trace_id: string }>(`/api/tasks/${id}/`);
  const span = deliveryId.replaceAll("-", "").slice(16);
  expect(request?.headers["traceparent"]).toBe(`00-${trace}-${span}-01`);
  expect(request).toMatchObject({
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "Lovage",
      "webhook-id": deliveryId,
    },
  });
  expect(said(all)).toMatchObject({
    type: "task.succeeded",
    data: {
      task_id: id,
      status: "SUCCESS",
      result: { processed_data: "X" },
      labels: { tenant: "7" },
    },
  });
  expect(result).toEqual({ host: `127.0.0.1:${receiver.port}`, status: 204 });
  for (const secret of [SECRET, PREVIOUS]) {
    expect(request !== undefined && isSigned(request, secret)).toBe(true);
  }
  const forged = { ...request, body: `${request?.body} ` } as Received;
  expect(isSigned(forged, SECRET)).toBe(false);
});

it("a failure is told with its error, and not its stack", async () => {
  const over = { name: "process_payment", kwargs: { order_id: "none" } };
  const id = await call(receiver.url("/failure", status(200)), over);
  const { type, data } = said(await sent("/failure"));
  expect(type).toBe("task.failed");
  expect(data).toMatchObject({ task_id: id, status: "FAILURE", result: null });
  expect(Object.keys(data["error"] as object)).toEqual(["exc_type", "exc_message"]);
});

it("a task that is called off is told as revoked", async () => {
  const id = await call(receiver.url("/revoked", status(200)), { countdown: 3_600 });
  await post(`/api/tasks/${id}/revoke/`, {});
  expect(said(await sent("/revoked"))).toMatchObject({
    type: "task.revoked",
    data: { task_id: id },
  });
});

it("a canvas is told as a whole, once", async () => {
  const work = (data: string) => ({ name: "process_data", kwargs: { data }, immutable: true });
  const canvas = {
    group: [work("a"), work("b")],
    callback_url: receiver.url("/canvas", status(200)),
  };
  const { canvas_id: id } = await post<{ canvas_id: string }>("/api/canvas/", canvas);
  expect(said(await sent("/canvas"))).toMatchObject({
    type: "canvas.succeeded",
    data: { canvas_id: id, result: [{ processed_data: "A" }, { processed_data: "B" }] },
  });
  const { callback } = await read<{ callback: unknown }>(`/api/canvas/${id}/`);
  expect(callback).toMatchObject({ host: `127.0.0.1:${receiver.port}` });
});

it("a receiver that is down is tried again, with the same message under the same id", async () => {
  const other = await Receiver.start();
  const { port } = other;
  const url = other.url("/down", (response, count) => {
    status(count === 1 ? 500 : 200)(response, count);
  });
  const id = await call(url);
  await settled(id, "RETRY");
  await other.close();
  // The next try comes within six seconds of the first.
  await other.listen(port);
  await settled(id, "SUCCESS");
  const [first, second] = other.of("/down");
  expect(second?.body).toBe(first?.body);
  expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  expect(Number(second?.headers["webhook-timestamp"])).toBeGreaterThan(
    Number(first?.headers["webhook-timestamp"]),
  );
  expect(second !== undefined && isSigned(second, SECRET)).toBe(true);
  await other.close();
});

it("nobody there at all is an answer too", async () => {
  const other = await Receiver.start();
  const url = other.url("/nobody", status(200));
  const { port } = other;
  await other.close();
  const { error } = await settled(await call(url), "RETRY");
  expect(error?.exc_message).toBe(`127.0.0.1:${port} could not be reached.`);
});

it("a redirect is not followed", async () => {
  const target = receiver.url("/target", status(200));
  const id = await call(receiver.url("/redirect", status(307, { Location: target })));
  const { error } = await settled(id, "RETRY");
  expect(error?.exc_message).toBe(`127.0.0.1:${receiver.port} answered 307.`);
  expect(receiver.of("/target")).toEqual([]);
});

it("410 is a dead letter at once", async () => {
  const id = await call(receiver.url("/gone", status(410)));
  const { task_id: deliveryId, dead_lettered: isDead } = await settled(id, "FAILURE");
  expect(isDead).toBe(true);
  expect(receiver.of("/gone")).toHaveLength(1);
  const listed = async () => {
    const { tasks } = await read<{ tasks: Task[] }>("/api/dead-letters/?name=deliver_callback");
    return tasks.map((task) => task.task_id);
  };
  await expect.poll(listed, { timeout: 10_000, interval: 100 }).toContain(deliveryId);
});

it("an answer without end is read a little and dropped, and its status counts", async () => {
  let bytes = 0;
  const url = receiver.url("/huge", (response) => {
    response.writeHead(200);
    const more = () => {
      if (response.destroyed) return;
      bytes += 65_536;
      response.write(Buffer.alloc(65_536), more);
    };
    more();
  });
  await settled(await call(url), "SUCCESS");
  await sent("/huge");
  // What lies in buffers on the way was sent too.
  expect(bytes).toBeLessThan(16 * 1_048_576);
});

it("a receiver that hangs gets two at a time, and ten seconds", async () => {
  const hanging = await Receiver.start();
  const url = hanging.url("/hang", from(2, status(200)));
  const ids: string[] = [];
  for (let n = 0; n < 6; n += 1) ids.push(await call(url));
  const errors = async () => {
    const deliveries = await Promise.all(ids.map(delivery));
    return deliveries.flatMap(({ error }) => error?.exc_message ?? []);
  };
  const late = `127.0.0.1:${hanging.port} did not answer in time.`;
  await expect.poll(errors, { timeout: 30_000, interval: 200 }).toEqual([late]);
  // All of them, and the one that hung once more.
  await expect.poll(() => hanging.of("/hang").length, { timeout: 30_000, interval: 100 }).toBe(7);
  expect(hanging.mostOpen).toBeLessThanOrEqual(2);
  await hanging.close();
});

it("a receiver that hangs holds no other work up", async () => {
  const hanging = await Receiver.start();
  const url = hanging.url("/hang", () => undefined);
  for (let n = 0; n < 6; n += 1) await call(url);
  const hangs = () => hanging.of("/hang").length;
  await expect.poll(hangs, { timeout: 20_000, interval: 20 }).toBeGreaterThan(0);
  const delays: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    const begin = performance.now();
    const body = { name: "process_data", kwargs: { data: "x" } };
    const { task_id: id } = await post<{ task_id: string }>("/api/tasks/", body);
    expect((await read<Task>(`/api/tasks/${id}/?wait=10`)).state).toBe("SUCCESS");
    delays.push(performance.now() - begin);
  }
  expect(Math.max(...delays)).toBeLessThan(2_000);
  await hanging.close();
});

it("a server that dies between the end and the answer of its receiver tells it again", async () => {
  const path = "/killed";
  const id = await call(receiver.url(path, from(2, status(200))));
  await sent(path);
  await server.kill();
  server = await LocalServer.start({ ...options, vars });
  // The lease of the dead consumer runs out after half a minute.
  const [first, second] = await sent(path, 2, 60_000);
  await settled(id, "SUCCESS");
  expect(second?.body).toBe(first?.body);
  expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
});

it("a host that is off the list when the task ends is not called", async () => {
  const id = await call(receiver.url("/unlisted", status(200)), { countdown: 3_600 });
  await server.kill();
  const others = { ...vars, CALLBACK_HOSTS: "localhost" };
  server = await LocalServer.start({ ...options, vars: others });
  await post(`/api/tasks/${id}/revoke/`, {});
  const { error, dead_lettered: isDead } = await settled(id, "FAILURE");
  expect(isDead).toBe(true);
  expect(error?.exc_type).toBe("CallbackRefusedError");
  expect(receiver.of("/unlisted")).toEqual([]);
});

it("no secret, and no part of a URL but its host, is anywhere in what is stored", async () => {
  await server.kill();
  const files = globSync(join(state, "**/*"), { withFileTypes: true }).filter((file) =>
    file.isFile(),
  );
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    const content = readFileSync(join(file.parentPath, file.name));
    for (const secret of [
      TOKEN,
      SECRET,
      PREVIOUS,
      SECRET.slice(6),
      "the secret of the receivers",
    ]) {
      expect(content.includes(secret), file.name).toBe(false);
    }
  }
});
