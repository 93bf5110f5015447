import type { Check, Mutant } from "./mutant.ts";

/** Histories of a mix of faults (test/simulation/faults.ts). */
const histories = (mix: string, file = "crashes"): Check => ({
  project: "simulation",
  file: `test/simulation/${file}.test.ts`,
  name: `every promise holds: ${mix}$`,
});

const unit = (name: string): Check => ({ project: "unit", file: `test/unit/${name}.test.ts` });

/** Of the shop, in Cloudflare's runtime. */
const domain = (name: string): Check => ({
  project: "domain",
  file: `test/workerd/domain/${name}.test.ts`,
});

/** Histories of a whole deployment, with the faults of a mix. */
const whole = (mix: string, file: string): Check => ({
  project: "simulation",
  file: `test/simulation/whole/mixes-${file}.test.ts`,
  name: `^${mix}: every promise holds in a whole deployment`,
});

/** Histories of the shop, with the faults of a mix. */
const shop = (mix: string): Check => ({
  project: "simulation",
  file: "test/simulation/shop/shop.test.ts",
  name: `the shop agrees with the books of the outside: ${mix} `,
});

/** Histories of Beat. */
const BEAT: Check = { project: "simulation", file: "test/simulation/beat/beat.test.ts" };

export const MUTANTS: readonly Mutant[] = [
  {
    id: "M1",
    breaks: "a settle is taken from whoever has lost the lease",
    guarantees: ["G2", "G3"],
    edits: [
      {
        file: "src/platform/ledger/settle.ts",
        find: "task === undefined || lease.token !== token) stale",
        replace: "task === undefined) stale",
      },
    ],
    checks: [histories("zombies"), histories("calls come late", "messages")],
  },
  {
    id: "M2",
    breaks: "what follows from an end is committed after it, not with it",
    guarantees: ["G4"],
    instead: "the whole advance of a canvas and all callbacks, not a counter alone",
    edits: [
      {
        file: "src/platform/ledger/changes.ts",
        find: "  write(): void {\n    this.#sequels.run();",
        replace:
          "  writeSequels(): void {\n    this.#sequels.run();\n    this.write();\n  }\n\n  write(): void {",
      },
      {
        file: "src/platform/ledger/core.ts",
        find: "    // First of all: whatever goes wrong after the commit, what happened has happened.",
        replace: "    this.ports.sql.transaction(() => changes.writeSequels());",
      },
    ],
    checks: [histories("the object dies at a statement"), histories("none", "messages")],
  },
  {
    id: "M3",
    breaks: "the alarm is set again after the work, not before it",
    guarantees: ["G20"],
    edits: [
      {
        file: "src/platform/ledger/ledger.ts",
        find: "    core.armFirst();\n    const stalled",
        replace: "    const stalled",
      },
      {
        file: "src/platform/ledger/ledger.ts",
        find: "    core.putDownIfIdle();",
        replace: "    core.putDownIfIdle();\n    core.armFirst();",
      },
    ],
    checks: [unit("ledger/alarm")],
  },
  {
    id: "M4",
    breaks: "a doorbell that was lost counts as under way for ever",
    guarantees: ["G1", "G20"],
    edits: [
      {
        file: "src/platform/ledger/bells.ts",
        find: "(this.#rung.get(queue) ?? []).filter((at) => at > now - BELL_EXPIRY_MS)",
        replace: "this.#rung.get(queue) ?? []",
      },
    ],
    checks: [
      {
        project: "simulation",
        file: "test/simulation/liveness.test.ts",
        name: "bells that were lost are rung again",
      },
    ],
  },
  {
    id: "M5",
    breaks: "the ledger forgets a task before D1 has confirmed it",
    guarantees: ["G1", "G16"],
    edits: [
      {
        file: "src/platform/ledger/flusher.ts",
        find: "        await within(timers, WRITE_MS,",
        replace:
          "        memory.finished.confirm(batches);\n        await within(timers, WRITE_MS,",
      },
      {
        file: "src/platform/ledger/flusher.ts",
        find: "        if (memory === current()) finished.confirm(batches);\n",
        replace: "",
      },
    ],
    checks: [histories("D1 fails")],
  },
  {
    id: "M6",
    breaks: "what comes late overwrites the record of a finished task in D1",
    guarantees: ["G2"],
    edits: [
      {
        file: "src/platform/history/history.ts",
        find: "FROM json_each(?) WHERE true ON CONFLICT (id) DO NOTHING",
        replace:
          "FROM json_each(?) WHERE true ON CONFLICT (id) DO UPDATE SET state = excluded.state, result = excluded.result, finished_at = excluded.finished_at, detail = excluded.detail",
      },
    ],
    checks: [domain("history")],
  },
  {
    id: "M7",
    breaks: "the task of a slot is known by the time of the tick, not by the slot",
    guarantees: ["G12"],
    edits: [
      {
        file: "src/platform/beat/tick-plan.ts",
        find: "key: slotKey(schedule, slot) });",
        replace: "key: slotKey(schedule, now) });",
      },
    ],
    checks: [BEAT],
  },
  {
    id: "M8",
    breaks: "each attempt opens a charge of its own, under a key with its number",
    guarantees: ["G9"],
    instead:
      "the key alone would take no money twice: only the charge that was stored first is ever asked for any",
    edits: [
      {
        file: "src/domain/payments/process-payment.ts",
        find: "    idempotencyKey: chargeKeyOf(payment),",
        replace: "    idempotencyKey: `${chargeKeyOf(payment)}:${(attempts += 1)}`,",
      },
      {
        file: "src/domain/payments/process-payment.ts",
        find: "interface Begun {",
        replace: "let attempts = 0;\n\ninterface Begun {",
      },
      {
        file: "src/domain/payments/process-payment.ts",
        find: "  if (payment.reference !== null) return { payment, isFirst: false };\n  if (!isFirst) {",
        replace: "  if (payment.reference === undefined) {",
      },
      {
        file: "src/domain/payments/process-payment.ts",
        find: "return { payment: stored ?? payment, isFirst: isFirst && stored?.reference === reference };",
        replace: "return { payment: { ...(stored ?? payment), reference }, isFirst };",
      },
    ],
    checks: [{ ...domain("payment-crashes"), name: "a crash at any one call" }],
  },
  {
    id: "M9",
    breaks: "an effect is recorded when it is done, and not before it begins",
    guarantees: ["G11"],
    edits: [
      {
        file: "src/platform/consumer/effects.ts",
        find: "    await this.#book.record(begun, null);\n",
        replace: "",
      },
    ],
    checks: [
      {
        project: "simulation",
        file: "test/simulation/once.test.ts",
        name: "whatever dies, one run at most",
      },
    ],
  },
  {
    id: "M10",
    breaks: "a lost lease counts against every task that it held",
    guarantees: ["G13"],
    edits: [
      {
        file: "src/platform/ledger/changes.ts",
        find: '(end.event === "lose" && lease.isSolo ? 1 : 0)',
        replace: '(end.event === "lose" ? 1 : 0)',
      },
    ],
    checks: [histories("poison")],
  },
  {
    id: "M11",
    breaks: "a place is given back twice: with the lease, and again when its late runner settles",
    guarantees: ["G18"],
    instead:
      "places are not counted but follow from leases, so the late settle takes the task out of them",
    edits: [
      {
        file: "src/platform/ledger/settle.ts",
        find: "lease.token !== token) stale += 1;",
        replace:
          "lease.token !== token) {\n      stale += 1;\n      memory.leases.leave(task);\n    }",
      },
      {
        file: "src/platform/ledger/memory/leases.ts",
        find: "  /** Takes a task from its runner",
        replace:
          "  leave(task: TaskRow | undefined): void {\n    if (task !== undefined) this.#running.end(task);\n  }\n\n  /** Takes a task from its runner",
      },
    ],
    checks: [
      {
        project: "simulation",
        file: "test/simulation/limits.test.ts",
        name: "a place comes back once",
      },
    ],
  },
  {
    id: "M12",
    breaks: "an alarm that is set is taken for good, however overdue it is",
    guarantees: ["G20"],
    instead: "the ledger asks getAlarm once, when it starts",
    edits: [
      {
        file: "src/platform/ledger/wakeups.ts",
        find: "armed !== null && armed <= now - ALARM_GRACE_MS;",
        replace: "false;",
      },
    ],
    checks: [unit("ledger/alarm")],
  },
  {
    id: "M13",
    breaks: "a task leaves the outbox before the ledger has it",
    guarantees: ["G8"],
    edits: [
      {
        file: "src/platform/outbox/outbox.ts",
        find: "    const answers = await this.#submitter.submit(tasks);\n    const done = tasks.filter((task, index) => this.#isDone(task, answers[index]));\n    if (done.length === 0) return;\n    const ids = JSON.stringify(done.map((task) => task.id));",
        replace: "    const ids = JSON.stringify(tasks.map((task) => task.id));",
      },
      {
        file: "src/platform/outbox/outbox.ts",
        find: "      .where(inArray(outbox.id, sql`(SELECT value FROM json_each(${ids}))`));",
        replace:
          "      .where(inArray(outbox.id, sql`(SELECT value FROM json_each(${ids}))`));\n    await this.#submitter.submit(tasks);",
      },
    ],
    checks: [domain("outbox")],
  },
  {
    id: "M14",
    breaks: "a claim gives out a task whose time to start is over",
    guarantees: ["G5"],
    edits: [
      {
        file: "src/platform/ledger/picker.ts",
        find: "        if (isExpired(row, now)) picked.expired.push(row);\n        else if",
        replace: "        if",
      },
    ],
    checks: [unit("ledger/expiry")],
  },
  {
    id: "M15",
    breaks: "two callers with the same key get the same task",
    guarantees: ["G7"],
    edits: [
      {
        file: "src/engine/task-id.ts",
        find: "JSON.stringify([scope.caller, scope.route, scope.key])",
        replace: "JSON.stringify([scope.route, scope.key])",
      },
    ],
    checks: [unit("engine/task-id")],
  },
  {
    id: "M16",
    breaks: "Beat's alarm is set again after the work, not before it",
    guarantees: ["G12", "G20"],
    edits: [
      {
        file: "src/platform/beat/beat-timer.ts",
        find: "    await alarm.set(clock.now() + AGAIN_MS);\n",
        replace: "",
      },
    ],
    checks: [BEAT],
  },
  {
    id: "M17",
    breaks: "an alarm of Beat that is set is taken for good, however overdue it is",
    guarantees: ["G12", "G20"],
    edits: [
      {
        file: "src/platform/beat/beat-timer.ts",
        find: "const isLost = at === null || at < clock.now() - LOST_AFTER_MS;",
        replace: "const isLost = at === null;",
      },
    ],
    checks: [BEAT],
  },
  {
    id: "M18",
    breaks: "an edit makes up for slots of the time before it",
    guarantees: ["G12"],
    edits: [
      {
        file: "src/platform/beat/schedule-changes.ts",
        find: "lastSlot: Math.max(old.lastSlot, now),",
        replace: "lastSlot: old.lastSlot,",
      },
    ],
    checks: [BEAT],
  },
  {
    id: "M19",
    breaks: "a slot counts as fired though the ledger gave no answer",
    guarantees: ["G1", "G12"],
    edits: [
      {
        file: "src/platform/beat/task-beat.ts",
        find: "const isAnswered = records.length === runs.length;",
        replace: "const isAnswered = records.length >= 0;",
      },
    ],
    checks: [BEAT],
  },
  {
    id: "M20",
    breaks: "a time of day that comes twice fires the second time",
    guarantees: ["G12"],
    edits: [
      {
        file: "src/engine/schedules/zone.ts",
        find: "return Math.min(...shown);",
        replace: "return Math.max(...shown);",
      },
    ],
    checks: [BEAT],
  },
  {
    id: "M21",
    breaks: "a retry starts at once, whatever its delay",
    guarantees: ["G6"],
    edits: [
      {
        file: "src/platform/ledger/changes.ts",
        find: "const dueAt = this.#now + Math.max(0, end.delayMs);",
        replace: "const dueAt = this.#now;",
      },
    ],
    checks: [histories("none", "messages")],
  },
  {
    id: "M22",
    breaks: "a call that is repeated after the ledger has forgotten its task is a second task",
    guarantees: ["G7"],
    edits: [
      {
        file: "src/platform/ledger/submissions.ts",
        find: 'answers[index] = fingerprint === undefined ? "accepted" : sameCall(fingerprint, spec);',
        replace: 'answers[index] = "accepted";',
      },
    ],
    checks: [histories("none", "messages")],
  },
  {
    id: "M23",
    breaks: "a limiter takes a request of a shard that comes after a newer one",
    guarantees: ["G18"],
    edits: [
      {
        file: "src/platform/limiter/limiter.ts",
        find: "if (known !== undefined && request.seq <= known.seq) {",
        replace: "if (known !== undefined && request.seq < 0) {",
      },
    ],
    checks: [
      {
        project: "simulation",
        file: "test/simulation/limits.test.ts",
        name: "a concurrency of 3 is never passed",
      },
      unit("limiter/limiter"),
    ],
  },
  {
    id: "M24",
    breaks: "a webhook is taken however old its signature is",
    guarantees: ["G10"],
    edits: [
      {
        file: "src/domain/payments/webhook-signature.ts",
        find: '  if (Math.abs(now / 1_000 - Number(time)) > TOLERANCE_SECONDS) return "stale";\n',
        replace: "",
      },
    ],
    checks: [unit("domain/webhook-signature")],
  },
  {
    id: "M25",
    breaks: "a dead letter that is replayed twice becomes two tasks",
    guarantees: ["G15"],
    edits: [
      {
        file: "src/engine/replay.ts",
        find: 'route: "replay", key: old.id };',
        replace: 'route: "replay", key: crypto.randomUUID() };',
      },
    ],
    checks: [whole("none", "one"), unit("engine/replay")],
  },
  {
    id: "M26",
    breaks: "a heartbeat of whoever has lost the lease extends that of the one who has it",
    guarantees: ["G3"],
    edits: [
      {
        file: "src/platform/ledger/ledger.ts",
        find: "ids.filter((id) => memory.leases.holding(id)?.token === token);",
        replace: "ids.filter((id) => token > 0 && memory.leases.holding(id) !== undefined);",
      },
    ],
    checks: [histories("zombies")],
  },
  {
    id: "M27",
    breaks: "a task that has failed for good is no dead letter",
    guarantees: ["G14"],
    edits: [
      {
        file: "src/platform/ledger/rows.ts",
        find: 'isDeadLettered: end.state === "FAILURE" && end.isOwn !== false,',
        replace: "isDeadLettered: false,",
      },
    ],
    checks: [histories("none", "messages")],
  },
  {
    id: "M28",
    breaks: "mails that may be out are asked for again under a new key",
    guarantees: ["G11"],
    edits: [
      {
        file: "src/domain/mail/tries.ts",
        find: "    ...later(mail, lost, { ...circumstances, attempts }),\n    keepsKey: true,",
        replace: "    ...later(mail, lost, { ...circumstances, attempts }),",
      },
    ],
    checks: [domain("mail-batches")],
  },
  {
    id: "M29",
    breaks: "a task leaves the outbox though its ledger was busy and did not say that it has it",
    guarantees: ["G8"],
    edits: [
      {
        file: "src/platform/outbox/outbox.ts",
        find: 'return answer === "accepted" || answer === "exists" || typeof answer === "object";',
        replace: 'return answer !== undefined && answer !== "conflict";',
      },
    ],
    checks: [shop("d1-flaky")],
  },
  {
    id: "M30",
    breaks: "money that was taken after a payment was voided is kept",
    guarantees: ["G9"],
    edits: [
      {
        file: "src/domain/payments/payment-book.ts",
        find: 'inArray(payments.state, ["charging", "voided", "declined"])',
        replace: 'inArray(payments.state, ["charging"])',
      },
    ],
    checks: [shop("d1-flaky")],
  },
  {
    id: "M31",
    breaks: "a consumer that is told of a revoke does not tell the handler",
    guarantees: ["G17"],
    edits: [
      {
        file: "src/platform/consumer/drain.ts",
        find: "      gone: (running, reason) => this.#drop(running, reason),",
        replace:
          '      gone: (running, reason) => {\n        if (reason === "lost") this.#drop(running, reason);\n      },',
      },
    ],
    checks: [whole("none", "one")],
  },
  {
    id: "M32",
    breaks: "a step is recorded for whoever has lost the lease to another",
    guarantees: ["G3"],
    edits: [
      {
        file: "src/platform/ledger/steps.ts",
        find: "if (lease?.token !== token || task === undefined) return false;",
        replace: "if (lease === undefined || task === undefined || token < 0) return false;",
      },
    ],
    checks: [whole("zombie", "four")],
  },
  {
    id: "M33",
    breaks: "starts and places are asked for tasks of a paused queue too",
    guarantees: ["G18"],
    edits: [
      {
        file: "src/platform/ledger/limits/gate-needs.ts",
        find: "return memory.parked.queuesOf(gate).filter((queue) => !isStopped(memory, queue));",
        replace: "return memory.parked.queuesOf(gate);",
      },
    ],
    checks: [
      {
        project: "simulation",
        file: "test/simulation/limits-pauses.test.ts",
        name: "the other has all of the limit: rated \\(G18\\)$",
      },
    ],
  },
  {
    id: "M34",
    breaks: "a suspect that was lost alone runs beside others again",
    guarantees: ["G13"],
    edits: [
      {
        file: "src/platform/ledger/sources.ts",
        find: "if (row.solo_losses > 0) return suspects.length === 0;\n",
        replace: "",
      },
    ],
    checks: [histories("poison")],
  },
];
