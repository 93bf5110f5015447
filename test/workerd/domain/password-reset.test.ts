import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import {
  authenticate,
  changeEmail,
  confirmReset,
  login,
  register,
  requestReset,
} from "#domain/accounts";
import type { MailMessage, MailTransport } from "#domain/mail";
import { Faults, faultyDatabase } from "./faults.ts";
import { FROM, MINUTE_MS, account, accounts, runTask, sentMails } from "./people.ts";
import { emptyTables, rows } from "./shop.ts";

const { password: OLD } = account("");
const NEW = "another horse";
const ADDRESS = FROM.address;

/** A provider that takes everything, and what it took. */
function provider() {
  const sent: MailMessage[] = [];
  const transport: MailTransport = {
    keepsMail: false,
    isIdempotent: false,
    batchSize: 50,
    sendBatch: (messages) => {
      sent.push(...messages);
      return Promise.resolve(messages.map(() => ({ status: "sent" })));
    },
  };
  return { transport, sent };
}

function tokenIn(mail: MailMessage | undefined): string {
  return /#(lvr_\d+_[\w-]{43})/.exec(mail?.text ?? "")?.[1] ?? "";
}

/** Ada has an account, and a link by the task `task`. */
async function ada(over: { database?: D1Database; locale?: "ru" } = {}) {
  const { transport, sent } = provider();
  const setUp = accounts({ transport });
  const answer = await register(
    setUp.parts,
    { ...account("ada"), locale: over.locale ?? null },
    FROM,
  );
  if (answer.kind !== "registered") throw new Error(answer.kind);
  const { user, session } = answer;
  const mailLink = (task: string) =>
    runTask(setUp.services, "send_password_reset_email", { user_id: user.id }, task);
  const confirm = (token: string, newPassword = NEW, parts = setUp.parts) =>
    confirmReset(parts, { token, newPassword, address: ADDRESS });
  const isIn = async (password: string) =>
    (await login(setUp.parts, { username: "ada", password }, FROM)).kind === "in";
  return { ...setUp, sent, userId: user.id, session, mailLink, confirm, isIn };
}

beforeEach(emptyTables);

it("the mailed link sets a new password, ends all sessions and is told by mail", async () => {
  const { parts, sent, mailLink, confirm, session, now, settled } = await ada();
  expect(await mailLink("task")).toBe("Password reset email sent.");
  const [mail] = sent;
  expect(mail).toMatchObject({ to: "ada@example.com", subject: "Set a new password" });
  const token = tokenIn(mail);
  expect(mail?.text).toContain(`https://shop.example.com/password-reset/?lang=en#${token}`);
  expect(mail?.html).toContain(`href="https://shop.example.com/password-reset/?lang=en#${token}"`);
  expect(await confirm(token)).toEqual({ kind: "changed" });
  expect(await authenticate(parts.db, session.token, now())).toBeNull();
  expect((await login(parts, { username: "ada", password: OLD }, FROM)).kind).toBe("wrong");
  expect((await login(parts, { username: "ada", password: NEW }, FROM)).kind).toBe("in");
  await settled();
  expect(sent.map(({ template }) => template)).toEqual(["password_reset", "password_was_reset"]);
});

it("the mails are Russian for whoever chose that", async () => {
  const { sent, mailLink, confirm, settled } = await ada({ locale: "ru" });
  expect(await mailLink("task")).toBe("Письмо для сброса пароля отправлено.");
  await confirm(tokenIn(sent[0]));
  await settled();
  expect(sent.map(({ subject }) => subject)).toEqual(["Новый пароль", "Ваш пароль сброшен"]);
  expect(sent[0]?.text).toContain("/password-reset/?lang=ru#lvr_");
});

it("no table has the token, the link or a password", async () => {
  const { sent, mailLink, session, now, parts, isIn } = await ada();
  await mailLink("task");
  await isIn(OLD);
  expect(await authenticate(parts.db, session.token, now())).not.toBeNull();
  const tables = await rows<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table'",
  );
  const names = tables.map(({ name }) => name).filter((name) => !name.startsWith("_cf"));
  expect(names).toContain("emails");
  for (const name of names) {
    const content = JSON.stringify(await rows(`SELECT * FROM ${name}`));
    for (const secret of [tokenIn(sent[0]), session.token]) {
      expect(content).not.toContain(secret.split("_").slice(2).join("_"));
    }
    expect(content).not.toContain(OLD);
  }
});

it("a task that is run again mails the same link, once", async () => {
  const { sent, mailLink, confirm } = await ada();
  await Promise.allSettled([mailLink("task"), mailLink("task")]);
  await mailLink("task");
  expect(sent).toHaveLength(1);
  expect(await confirm(tokenIn(sent[0]))).toEqual({ kind: "changed" });
});

it("a newer link makes older ones void, and a late run of the older task does not bring them back", async () => {
  const { sent, mailLink, confirm } = await ada();
  await mailLink("first");
  await mailLink("second");
  expect(await mailLink("first")).toBe("The link was used or replaced already; nothing was sent.");
  expect(sent).toHaveLength(2);
  expect(await confirm(tokenIn(sent[0]))).toEqual({ kind: "wrong" });
  expect(await confirm(tokenIn(sent[1]))).toEqual({ kind: "changed" });
});

it("a used link stays used, also when its task is run again", async () => {
  const { sent, mailLink, confirm } = await ada();
  await mailLink("task");
  expect(await confirm(tokenIn(sent[0]))).toEqual({ kind: "changed" });
  await mailLink("task");
  expect(await confirm(tokenIn(sent[0]), "a third horse")).toEqual({ kind: "wrong" });
  expect(sent.filter(({ template }) => template === "password_reset")).toHaveLength(1);
});

it("a link used twice at once works once", async () => {
  const { sent, mailLink, confirm, isIn } = await ada();
  await mailLink("task");
  const passwords = ["another horse", "a third horse", "a fourth horse"];
  const answers = await Promise.all(passwords.map((one) => confirm(tokenIn(sent[0]), one)));
  const winners = passwords.filter((_one, index) => answers[index]?.kind === "changed");
  expect(winners).toHaveLength(1);
  expect(answers.filter(({ kind }) => kind === "wrong")).toHaveLength(2);
  expect(await isIn(winners[0] ?? "")).toBe(true);
});

it("a link is over after 30 minutes", async () => {
  const { sent, mailLink, confirm, advance } = await ada();
  await mailLink("task");
  advance(30 * MINUTE_MS);
  expect(await confirm(tokenIn(sent[0]))).toEqual({ kind: "wrong" });
});

it("a password that is refused leaves the link as it is", async () => {
  const { sent, mailLink, confirm } = await ada();
  await mailLink("task");
  expect((await confirm(tokenIn(sent[0]), "password1")).kind).toBe("weak");
  expect((await confirm(tokenIn(sent[0]), "ada12345")).kind).toBe("changed");
});

it("a new address makes links to the old one void", async () => {
  const { parts, userId, sent, mailLink, confirm } = await ada();
  await mailLink("task");
  await changeEmail(parts, userId, { email: "new@example.com", password: OLD, address: ADDRESS });
  expect(await confirm(tokenIn(sent[0]))).toEqual({ kind: "wrong" });
});

it("whoever has the old address gets no link that works, also while the address is changed", async () => {
  const { parts, services, userId, sent, confirm } = await ada();
  const change = { email: "new@example.com", password: OLD, address: ADDRESS };
  const keyFor = async (purpose: string) => {
    // The task has read the account, and has no link yet.
    if (purpose === "password-reset") await changeEmail(parts, userId, change);
    return services.keyFor(purpose);
  };
  const params = { user_id: userId };
  await runTask({ ...services, keyFor }, "send_password_reset_email", params).catch(() => null);
  const links = sent.filter(({ to }) => to === "ada@example.com").map(tokenIn);
  for (const link of links) expect(await confirm(link)).toEqual({ kind: "wrong" });
});

it.each(["", "nonsense", `lvr_1_${"A".repeat(43)}`, `lvr_9999999999_${"A".repeat(43)}`])(
  "%j is no link, and costs no slow hash",
  async (token) => {
    const { confirm, kdf } = await ada();
    kdf.times = 0;
    expect(await confirm(token)).toEqual({ kind: "wrong" });
    expect(kdf.times).toBe(0);
  },
);

it("after a reset an account that was guessed at has its tries again", async () => {
  const { sent, mailLink, confirm, isIn } = await ada();
  for (let tries = 0; tries < 11; tries += 1) await isIn("guess");
  expect(await isIn(OLD)).toBe(false);
  await mailLink("task");
  await confirm(tokenIn(sent[0]));
  expect(await isIn(NEW)).toBe(true);
});

it.each(["before", "after"] as const)(
  "a fault %s any call to the database leaves all of a reset or nothing",
  async (when) => {
    for (let at = 1; ; at += 1) {
      await emptyTables();
      const faults = new Faults({ at, when });
      const { sent, mailLink, confirm, userId, session, settled } = await ada();
      await mailLink("task");
      const broken = accounts({ database: faultyDatabase(env.DB, faults) });
      const before = await hashOf(userId);
      const answer = await confirm(tokenIn(sent[0]), NEW, broken.parts).catch(() => null);
      const isDone = (await hashOf(userId)) !== before;
      if (answer?.kind === "changed") expect(isDone).toBe(true);
      expect(await rows("SELECT id FROM sessions")).toHaveLength(isDone ? 0 : 1);
      expect(await rows("SELECT 1 FROM password_resets WHERE closed_at IS NULL")).toHaveLength(
        isDone ? 0 : 1,
      );
      expect(await rows("SELECT 1 FROM emails WHERE template = 'password_was_reset'")).toHaveLength(
        isDone ? 1 : 0,
      );
      expect(session.token).not.toBe("");
      // Whoever saw an error may try again.
      if (answer === null && !isDone)
        expect((await confirm(tokenIn(sent[0]))).kind).toBe("changed");
      // Its notices, which the next round would find otherwise.
      await Promise.all([broken.settled(), settled()]);
      if (!faults.struck) break;
    }
  },
);

it("a fault at any call of the task is mended by its next run", async () => {
  for (const when of ["before", "after"] as const) {
    for (let at = 1; ; at += 1) {
      await emptyTables();
      const { userId } = await ada();
      const faults = new Faults({ at, when });
      const { transport, sent } = provider();
      const { services } = accounts({ database: faultyDatabase(env.DB, faults), transport });
      const again = () =>
        runTask(services, "send_password_reset_email", { user_id: userId }, "task");
      await again().catch(() => null);
      const isOut = sent.length > 0;
      // What was taken in hand by a run that died is free again after two minutes.
      await env.DB.prepare("UPDATE emails SET due_at = 0 WHERE state = 'sending'").run();
      await again().catch(() => null);
      expect(new Set(sent.map(tokenIn)).size).toBe(1);
      if (!isOut) expect(sent).toHaveLength(1);
      if (!faults.struck) break;
    }
  }
});

async function hashOf(userId: number): Promise<string> {
  const [row] = await rows<{ h: string }>(
    "SELECT password_hash AS h FROM users WHERE id = ?",
    userId,
  );
  return row?.h ?? "";
}

it("an address that nobody has costs the same calls as a known one, and its task mails nothing", async () => {
  await ada();
  await env.DB.prepare("DELETE FROM outbox").run();
  const costs = async (email: string) => {
    const faults = new Faults();
    const { parts } = accounts({ database: faultyDatabase(env.DB, faults) });
    const answer = await requestReset(parts, { email, address: ADDRESS });
    return { answer, calls: faults.calls };
  };
  const known = await costs("ADA@example.com");
  expect(known.answer).toEqual({ kind: "requested" });
  expect(await costs("nobody@example.com")).toEqual(known);
  const tasks = await rows<{ kwargs: string }>(
    "SELECT spec ->> 'kwargs' AS kwargs FROM outbox ORDER BY id",
  );
  expect(tasks).toHaveLength(2);
  expect(tasks.map(({ kwargs }) => kwargs)).toContain('{"user_id":0}');
  const { services } = accounts();
  expect(await runTask(services, "send_password_reset_email", { user_id: 0 })).toBe(
    "No account owns this address; nothing was sent.",
  );
  expect(await sentMails()).toEqual([]);
});

it("an account with another's address gets no link to that address", async () => {
  const { parts, services, sent } = await ada();
  const eve = await register(parts, account("eve", "ada@example.com"), FROM);
  if (eve.kind !== "registered") throw new Error(eve.kind);
  await runTask(services, "send_password_reset_email", { user_id: eve.user.id });
  expect(sent).toEqual([]);
});

it.each(["ada@example.com", "nobody@example.com"])(
  "five links an hour for %s, whether anybody has it or not",
  async (email) => {
    const { parts } = await ada();
    const kinds = [];
    for (let n = 0; n < 6; n += 1) {
      kinds.push((await requestReset(parts, { email, address: `192.0.2.${n}` })).kind);
    }
    expect(kinds).toEqual([...Array<string>(5).fill("requested"), "wait"]);
  },
);
