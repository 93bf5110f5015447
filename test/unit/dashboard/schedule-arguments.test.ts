import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, Registry, secret, type ScheduleSettings } from "#engine";
import {
  readArguments,
  switched,
} from "../../../src/delivery/dashboard/schedules/schedule-arguments.ts";

const define = createTaskDefiner<null>();
const login = { password: secret(z.string()), pin: secret(z.string()).optional() };
const registry = new Registry<null>([
  define({ name: "login", params: z.object({ user: z.string(), ...login }), handler: () => null }),
  define({ name: "show", params: z.object({ password: z.string() }), handler: () => null }),
]);
const kwargs = { user: "ada", password: "hunter2", pin: "1234" };
const old = { task: "login", args: [], kwargs } as unknown as ScheduleSettings;
const form = { form_of: "login", task: "login", args_as: "form", "p/user": "bob" };
const none = { "p/password": "", "p/pin": "" };

it("secrets that a schedule's form doesn't show stay as they were", () => {
  const read = readArguments(registry, { ...form, ...none }, old);
  expect(read).toEqual({ args: [], kwargs: { ...kwargs, user: "bob" }, faults: [] });
});

it("a secret that was entered is the new one", () => {
  const read = readArguments(registry, { ...form, ...none, "p/password": "new" }, old);
  expect(read.kwargs).toEqual({ ...kwargs, user: "bob", password: "new" });
});

it("the other way of entering them shows no secret, and keeps it", () => {
  const values = { ...form, ...none, args_as: "json" };
  const next = switched(registry, values, readArguments(registry, values, old));
  expect(JSON.stringify(next)).not.toMatch(/hunter2|1234/);
  const read = readArguments(registry, { ...next.values, form_of: "" }, old);
  expect(read.kwargs).toEqual({ ...kwargs, user: "bob" });
});

it("for another task no secret comes out in a field that is not one", () => {
  const values = { ...form, ...none, task: "show" };
  const next = switched(registry, values, readArguments(registry, values, old));
  expect(JSON.stringify(next)).not.toMatch(/hunter2|1234/);
});

it("a new schedule keeps nothing", () => {
  expect(readArguments(registry, { ...form, ...none }, null).kwargs).toEqual({ user: "bob" });
});
