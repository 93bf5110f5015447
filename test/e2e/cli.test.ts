import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";
import { LAUNCHER, start, type Ended } from "./lovage.ts";

/*
 * The command line as a process, against a real server. Where `celery` has such a command, its output is
 * Celery's (measured, 5.6.3) with this deployment's one node.
 */

const PORT = 9_151;
const ID = /^[0-9a-f-]{36}\n$/;
const state = mkdtempSync(join(tmpdir(), "lovage-cli-"));
let server: LocalServer | null = null;
let env: Record<string, string> = {};

beforeAll(async () => {
  server = await LocalServer.start({ port: PORT, config: "wrangler.toml", state });
  env = { LOVAGE_URL: server.url };
});

afterAll(async () => {
  await server?.kill();
  rmSync(state, { recursive: true, force: true });
});

function lovage(...args: string[]): Promise<Ended> {
  return start(process.execPath, [LAUNCHER, ...args], env).ended;
}

/** What a command prints that succeeds. */
async function print(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await lovage(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
  return stdout;
}

async function json(...args: string[]): Promise<unknown> {
  return JSON.parse(await print(...args, "--json"));
}

const call = async (...args: string[]) => (await print("call", "process_data", ...args)).trim();

/** The payment of an order whose card is declined: a dead letter. */
async function deadLetter(orderId: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${PORT}/api/create-order/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ orderId, userId: 1, totalAmount: 5.01, customerEmail: "a@example.com" }),
  });
  const { data } = await answer.json<{ data: { tasks: { process_payment: string } } }>();
  const id = data.tasks.process_payment;
  await lovage("result", id);
  // Its end is in the history a moment later.
  await expect.poll(() => print("dead", "list"), { timeout: 20_000 }).toContain(id);
  return id;
}

describe("asking", () => {
  it("status says who is online, as celery does, and what the queues hold", async () => {
    const stdout = await print("status");
    expect(stdout).toMatch(/^->  lovage@lovage: OK\n\n1 node online\.\n/);
    expect(stdout).toMatch(/^default +0 +0 +0/m);
    expect(await json("status")).toMatchObject({ "lovage@lovage": { ok: "pong" } });
  });

  it("inspect ping has celery's words and celery's JSON", async () => {
    const words = "->  lovage@lovage: OK\n        pong\n\n1 node online.\n";
    expect(await print("inspect", "ping")).toBe(words);
    expect(await json("inspect", "ping")).toEqual({ "lovage@lovage": { ok: "pong" } });
  });

  it("inspect scheduled shows a task as celery does, in Python's words", async () => {
    const id = await call("-a", '["later"]', "--countdown", "600", "--priority", "6");
    const stdout = await print("inspect", "scheduled");
    expect(stdout).toMatch(/^->  lovage@lovage: OK\n {4}\* \{'eta': '20/);
    expect(stdout).toContain(
      `'priority': 6, 'request': {'id': '${id}', 'name': 'process_data', 'args': [], 'kwargs': {'data': 'later'}, ` +
        "'type': 'process_data', 'hostname': 'lovage@lovage', 'time_start': None, 'acknowledged': False, " +
        "'delivery_info': {'exchange': '', 'routing_key': 'default', 'priority': 6, 'redelivered': False}, 'worker_pid': None}}",
    );
    expect(await json("inspect", "query_task", id)).toMatchObject({
      "lovage@lovage": { [id]: ["reserved", { id, name: "process_data" }] },
    });
    await print("revoke", id);
  });

  it("inspect reserved is empty as with celery", async () => {
    const words = "->  lovage@lovage: OK\n    - empty -\n\n1 node online.\n";
    expect(await print("inspect", "reserved")).toBe(words);
  });

  it.each(["active", "active_queues", "conf", "registered", "report", "revoked", "stats"])(
    "inspect %s answers, also as JSON",
    async (question) => {
      expect(await print("inspect", question)).toMatch(/^->  lovage@lovage: OK\n/);
      expect(await json("inspect", question)).toHaveProperty(["lovage@lovage"]);
    },
  );

  it("what has no meaning here says why", async () => {
    const { code, stdout } = await lovage("inspect", "memdump");
    expect(stdout).toMatch(/^->  lovage@lovage: ERROR\n {8}There is no process/);
    expect(code).toBe(1);
  });

  it("a node that there is not does not reply", async () => {
    const { code, stderr } = await lovage("status", "-d", "w1@lab");
    expect(stderr).toContain("Error: No nodes replied within time constraint");
    expect(code).toBe(69);
  });

  it.each([
    ["inspect", "-d", "w1@lab", "ping"],
    ["inspect", "ping", "-d", "w1@lab"],
    ["control", "-d", "w1@lab", "autoscale", "3", "1"],
  ])("nor does it when %s %s %s %s are given", async (...words) => {
    const { code, stderr } = await lovage(...words);
    expect(stderr).toContain("Error: No nodes replied within time constraint");
    expect(code).toBe(69);
  });

  it("an answer may take as long as -t says, and no longer", async () => {
    expect(await print("inspect", "ping", "-d", "lovage@lovage", "-t", "10")).toContain("pong");
    const { code, stderr } = await lovage("inspect", "-t", "0", "ping");
    expect(stderr).toContain("gave no answer within 0 s.");
    expect(code).toBe(69);
  });

  it("list bindings is celery's table", async () => {
    const [title, line, first] = (await print("list", "bindings")).split("\n");
    expect(title).toBe(`${"Queue".padEnd(28)} ${"Exchange".padEnd(28)} Routing Key`);
    expect(line).toBe(
      `${"-".repeat(16).padEnd(28)} ${"-".repeat(16).padEnd(28)} ${"-".repeat(16)}`,
    );
    expect(first).toBe(`${"default".padEnd(28)} ${"".padEnd(28)} default`);
  });

  it("list tasks and list queues are tables, and JSON", async () => {
    expect(await print("list", "tasks")).toMatch(/^process_data .*data$/m);
    expect(await print("list", "queues")).toMatch(/^emails +0/m);
    expect(await json("list", "queues")).toHaveProperty("queues.0.name", "default");
  });
});

describe("calling", () => {
  it("call prints the id, result the result", async () => {
    const stdout = await print("call", "process_data", "-k", '{"data": "hello"}');
    expect(stdout).toMatch(ID);
    expect(await print("result", stdout.trim())).toBe('{"processed_data":"HELLO"}\n');
    expect(await json("result", stdout.trim())).toMatchObject({
      state: "SUCCESS",
      name: "process_data",
    });
  });

  it("call --wait prints the result instead", async () => {
    expect(await print("call", "process_data", "-a", '["hi"]', "--wait")).toBe(
      '{"processed_data":"HI"}\n',
    );
  });

  it("an idempotency key makes two calls one task", async () => {
    const twice = () => call("-a", '["once"]', "--idempotency-key", "cli-1");
    expect(await twice()).toBe(await twice());
  });

  it("a call that doesn't fit names the field", async () => {
    const { code, stdout, stderr } = await lovage("call", "process_data", "-k", '{"nope": 1}');
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("kwargs");
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it("a result that isn't there in time ends with 75, and the task goes on", async () => {
    const id = await call("-a", '["later"]', "--countdown", "600");
    const { code, stderr } = await lovage("result", id, "--timeout", "0.2");
    expect(code).toBe(75);
    expect(stderr).toContain("it goes on");
    expect(await print("revoke", id)).toContain("REVOKED");
  });

  it("the result of a task that failed is its error, and 1", async () => {
    const id = await deadLetter("cli-failed");
    const { code, stdout, stderr } = await lovage("result", id);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("PaymentDeclinedError: The card was declined.");
    const traced = await lovage("result", id, "--traceback");
    expect(traced.code).toBe(1);
    expect(traced.stdout).toContain("PaymentDeclinedError");
    await print("dead", "discard", id);
  });

  it("task shows everything, search finds it", async () => {
    const id = await call("-a", '["found"]', "--label", "batch=cli", "--wait").then(async () => {
      const found = (await json("search", "--label", "batch:cli")) as {
        tasks: { task_id: string }[];
      };
      return found.tasks[0]?.task_id ?? "";
    });
    expect(await print("task", id)).toMatch(/^kwargs +\{"data":"found"\}$/m);
    expect(await print("search", "--name", "process_*", "--state", "SUCCESS")).toContain(id);
    expect(await json("task", id)).toMatchObject({ task_id: id });
  });

  it("a waiting task is rescheduled", async () => {
    const id = await call("-a", '["sooner"]', "--countdown", "600");
    await print("reschedule", id, "--countdown", "0");
    expect(await print("result", id)).toContain("SOONER");
  });

  it("a task that there is not ends with 1", async () => {
    const { code, stderr } = await lovage("result", "nope");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "Error: There is no task nope, or it isn't yours.\n",
    });
  });
});

describe("steering", () => {
  it("control rate_limit and time_limit answer as celery does", async () => {
    const done = "->  lovage@lovage: OK\n        new rate limit set successfully\n";
    expect(await print("control", "rate_limit", "process_data", "1000/s")).toBe(done);
    expect(await print("inspect", "registered")).toContain(
      "    * process_data [rate_limit=1000/s]",
    );
    expect(await print("control", "rate_limit", "process_data", "default")).toBe(done);
    expect(await print("control", "time_limit", "process_data", "50", "60")).toContain(
      "time limits set successfully",
    );
  });

  it("control --json is celery's list of replies", async () => {
    expect(await json("control", "rate_limit", "process_data", "default")).toEqual([
      { "lovage@lovage": { ok: "new rate limit set successfully" } },
    ]);
  });

  it("control revoke flags tasks, and says which are unknown", async () => {
    const id = await call("-a", '["x"]', "--countdown", "600");
    const { code, stdout, stderr } = await lovage("control", "revoke", id, "nope");
    expect(stdout).toBe(`->  lovage@lovage: OK\n        tasks {'${id}'} flagged as revoked\n`);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "tasks unknown: nope\n" });
  });

  it("revoke deals with every id, and says which are unknown", async () => {
    const [first, last] = [
      await call("-a", '["x"]', "--countdown", "600"),
      await call("-a", '["x"]', "--countdown", "600"),
    ];
    const { code, stdout, stderr } = await lovage("revoke", first, "nope", last);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "tasks unknown: nope\n" });
    const revoked = stdout.split("\n").filter((line) => line.includes("REVOKED"));
    expect(revoked.map((line) => line.split(" ")[0])).toEqual([first, last]);
  });

  it("control terminate takes a signal as celery does", async () => {
    const { code, stderr } = await lovage("control", "terminate", "KILL", "x");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "terminate: tasks unknown: x\n" });
  });

  it("stamped headers are labels", async () => {
    const id = await call("-a", '["x"]', "--countdown", "600", "--label", "tenant=42");
    const words = await print("control", "revoke_by_stamped_headers", "tenant=42");
    expect(words).toContain("1 revoked");
    expect(await print("task", id)).toMatch(/^state +REVOKED$/m);
  });

  it("a queue that is cancelled is not consumed, and is again", async () => {
    await print("control", "cancel_consumer", "emails");
    expect(await print("inspect", "active_queues")).not.toContain("'name': 'emails'");
    expect(await print("list", "queues")).toMatch(/^emails .*no$/m);
    await print("control", "add_consumer", "emails");
    expect(await print("inspect", "active_queues")).toContain("'name': 'emails'");
  });

  it("shutdown and start are seen in the status", async () => {
    await print("control", "shutdown");
    expect(await print("status")).toContain("! shut down: no queue is consumed");
    await print("control", "start");
    expect(await print("status")).not.toContain("shut down");
  });

  it("autoscale says why it has no meaning", async () => {
    const { code, stdout } = await lovage("control", "autoscale", "3", "1");
    expect(stdout).toMatch(/^->  lovage@lovage: ERROR\n {8}Cloudflare starts/);
    expect(code).toBe(1);
  });

  it("purge counts in celery's words", async () => {
    expect(await print("purge", "-f", "-Q", "high-priority")).toBe(
      "No messages purged from 1 queue.\n",
    );
    await print("control", "cancel_consumer", "high-priority");
    await call("-a", '["a"]', "--queue", "high-priority");
    await call("-a", '["b"]', "--queue", "high-priority");
    expect(await print("purge", "-f", "-X", "default,emails,payments")).toBe(
      "Purged 2 messages from 2 known task queues.\n",
    );
    await print("control", "add_consumer", "high-priority");
    expect(await json("purge", "-f", "-Q", "emails")).toEqual({ purged: { emails: 0 }, total: 0 });
  });

  it("purge does nothing where nobody can be asked", async () => {
    const { code, stderr } = await lovage("purge");
    expect(code).toBe(2);
    expect(stderr).toContain("-f");
  });
});

describe("schedules", () => {
  it("is made, shown, changed, run, disabled and deleted", async () => {
    const made = await print(
      ...["beat", "create", "cli", "process_data", "-k", '{"data":"x"}', "--missed", "3"],
      ...["--crontab", "0 3 * * mon-fri", "--timezone", "Europe/Paris", "--overlap", "skip"],
    );
    expect(made).toMatch(/^in_words +At 03:00, Monday through Friday, Europe\/Paris$/m);
    expect(await print("beat", "list")).toMatch(/^cli +process_data +yes/m);
    expect(await print("beat", "next", "cli", "-c", "2")).toContain("in Europe/Paris");
    const id = (await print("beat", "run", "cli")).trim();
    await print("result", id);
    expect(await print("beat", "runs", "cli")).toMatch(new RegExp(`manual .*${id} +SUCCESS`));
    expect(await json("beat", "update", "cli", "--every", "30 seconds")).toMatchObject({
      interval: { every: 30, period: "seconds" },
    });
    expect(await json("beat", "disable", "cli")).toMatchObject({ enabled: false });
    expect(await json("beat", "enable", "cli")).toMatchObject({ enabled: true });
    const backfill = ["backfill", "cli", "2026-11-01", "2026-11-01T00:01", "--wait"];
    expect(await json("beat", ...backfill)).toHaveProperty("runs");
    expect(await print("beat", "delete", "cli")).toBe("Deleted cli.\n");
    expect((await lovage("beat", "show", "cli")).code).toBe(1);
  });

  it("a crontab that can't be is refused with the field", async () => {
    const { code, stderr } = await lovage(
      ...["beat", "create", "bad", "process_data", "-k", '{"data":"x"}', "--crontab", "0 3 * * 9"],
    );
    expect(code).toBe(1);
    expect(stderr).toContain("day_of_week");
  });
});

describe("workflows", () => {
  const member = (data: string) => ({ name: "process_data", kwargs: { data }, immutable: true });

  it("a canvas is checked, run and shown as a tree", async () => {
    const file = join(state, "canvas.json");
    writeFileSync(
      file,
      JSON.stringify({ chain: [member("a"), { group: [member("b"), member("c")] }] }),
    );
    expect(await print("canvas", "run", file, "--dry-run")).toBe("It fits.\n");
    const id = (await print("canvas", "run", file)).trim();
    expect(await print("result", id)).toBe('[{"processed_data":"B"},{"processed_data":"C"}]\n');
    const lines = (await print("canvas", "show", id, "--follow")).split("\n");
    expect(lines.map((line) => line.replace(/[0-9a-f-]{36}/, "ID"))).toEqual([
      "ID SUCCESS 3 of 3 done",
      "chain of 2 SUCCESS",
      "├─ process_data ID SUCCESS",
      "└─ group of 2 SUCCESS",
      "   ├─ process_data ID SUCCESS",
      "   └─ process_data ID SUCCESS",
      "",
    ]);
  });

  it("a canvas that comes in by stdin and doesn't fit says where", async () => {
    const running = start(
      "sh",
      [
        "-c",
        `echo '{"chain":[{"name":"no"}]}' | "$0" "$1" canvas run -`,
        process.execPath,
        LAUNCHER,
      ],
      env,
    );
    const { code, stderr } = await running.ended;
    expect(code).toBe(1);
    expect(stderr).toContain("chain.0.name");
  });
});

describe("dead letters", () => {
  it("are listed, counted, replayed and discarded", async () => {
    const [first, second] = [await deadLetter("cli-dead-1"), await deadLetter("cli-dead-2")];
    expect(await print("dead", "list", "--name", "process_*")).toContain("PaymentDeclinedError");
    expect(await print("dead", "summary")).toMatch(/^process_payment +PaymentDeclinedError +2/m);
    expect(await print("dead", "replay", first)).toMatch(new RegExp(`^${first} +replayed`, "m"));
    expect((await lovage("dead", "discard", "--all")).code).toBe(2);
    const gone = (await json("dead", "discard", "--all", "-f")) as { tasks: { id: string }[] };
    expect(gone.tasks.map(({ id }) => id)).toContain(second);
    expect((await lovage("dead", "replay", second)).code).toBe(1);
  });

  it("replaying all of none is no error", async () => {
    expect(await json("dead", "replay", "--all", "--name", "process_data")).toEqual({ tasks: [] });
  });
});

describe("backups", () => {
  it("are made, listed, shown, and not restored into a shop that has something", async () => {
    const id = (await print("backup", "create")).trim();
    expect(await print("backup", "list")).toMatch(new RegExp(`^${id} .* no$`, "m"));
    expect(await json("backup", "show", id)).toMatchObject({ backup_id: id });
    for (const command of [
      ["backup", "restore", id],
      ["restore", id],
    ]) {
      const { code, stderr } = await lovage(...command);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^Error: .*(empty|rows)/);
    }
  });
});

describe("what goes wrong", () => {
  it("a backup where everything is stopped says that it waits, and goes on later", async () => {
    await print("control", "shutdown");
    const backup = start(process.execPath, [LAUNCHER, "backup", "create"], env);
    await backup.said("waits: its queue is not consumed");
    await print("control", "start");
    expect((await backup.ended).code).toBe(0);
  });

  it("nothing answers: 69, and which address", async () => {
    const { code, stdout, stderr } = await lovage(
      "--url",
      "http://127.0.0.1:9159",
      "status",
      "--json",
    );
    expect({ code, stdout }).toEqual({ code: 69, stdout: "" });
    expect(stderr).toBe(
      "Error: Nothing answers at http://127.0.0.1:9159: the connection was refused.\n" +
        "  Start one with: npm start. Or say where it is: --url, or set LOVAGE_URL.\n",
    );
  });

  it("a wrong token: 77, and how to give one", async () => {
    const { code, stderr } = await lovage("status", "--token", "lv_wrong_wrong");
    expect(code).toBe(77);
    expect(stderr).toContain("--token");
    expect(stderr).not.toContain("lv_wrong_wrong");
  });

  it.each([
    [["bogus"], "unknown command"],
    [["call", "process_data", "-a", "x"], "Not JSON"],
    [["call"], "missing required argument"],
    [["inspect", "active", "--limit", "0"], "from 1 to 1000"],
    [["--url", "foo", "status"], "no address"],
    [["purge", "-f", "-Q", "nope"], "There is no queue nope."],
    [["dead", "replay"], "Give either ids or --all."],
    [["canvas", "run", "/nowhere.json"], "can't be read"],
    [["keys", "list", "--nope"], "Unknown option"],
  ])("%j is a mistake of usage", async (args, message) => {
    const { code, stdout, stderr } = await lovage(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it("help and version are no mistake", async () => {
    expect(await print("--help")).toContain("Exit codes:");
    expect(await print("--version")).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await print("beat", "create", "--help")).toContain("--crontab");
  });

  it("whoever reads only the first line is no error that anybody sees", async () => {
    // It has ended long before the other has anything to say.
    const pipe = `set -o pipefail; '${process.execPath}' '${LAUNCHER}' list tasks | true`;
    const running = start("bash", ["-c", pipe], env);
    expect(await running.ended).toEqual({ code: 141, stdout: "", stderr: "" });
  });

  it("Ctrl-C ends with 130, SIGTERM with 143", async () => {
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const running = start(process.execPath, [LAUNCHER, "events", "--dump"], env);
      await running.said("starting capture");
      running.signal(signal);
      expect(await running.ended).toMatchObject({ code, stdout: "" });
    }
  });
});
