import { expectTypeOf, it } from "vitest";
import * as z from "zod";
import { chain, chord, createTaskDefiner, group, map, type Lovage, type Signature } from "#engine";

/* What compiles, and what doesn't: `npm run typecheck` runs these. */

const define = createTaskDefiner<null>();
const report = define({
  name: "report",
  params: z.object({ day: z.string() }),
  handler: ({ day }) => ({ day, orders: day.length }),
});
const notify = define({
  name: "notify",
  params: z.object({
    report: z.object({ day: z.string(), orders: z.number() }),
    to: z.string().default("admin"),
  }),
  handler: ({ report: { orders } }) => orders,
});
const add = define({
  name: "add",
  params: z.object({ x: z.number(), y: z.number() }),
  handler: ({ x, y }) => x + y,
});
const sum = define({
  name: "sum",
  params: z.object({ numbers: z.array(z.number()) }),
  handler: ({ numbers }) => numbers.length,
});
const shout = define({
  name: "shout",
  params: z.object({ text: z.string() }),
  handler: ({ text }) => text.toUpperCase(),
});
const ping = define({ name: "ping", params: z.object({}), handler: () => "pong" });

declare const lovage: Lovage;

it("a chain whose links fit compiles, and has the result of its last", () => {
  expectTypeOf(chain(report.s({ day: "d" }), notify.s({}))).toEqualTypeOf<Signature<number>>();
  expectTypeOf(chain(report.s({ day: "d" }), notify.s({ to: "me" }), add.s({ y: 1 }))).toExtend<
    Signature<number>
  >();
  // An immutable link takes nothing, whatever comes before.
  expectTypeOf(chain(report.s({ day: "d" }), shout.si({ text: "a" }))).toExtend<
    Signature<string>
  >();
});

it("a chain whose links don't fit does not compile", () => {
  // @ts-expect-error -- a report is no text
  chain(report.s({ day: "d" }), shout.s({}));
  // @ts-expect-error -- a number is no report
  chain(add.s({ x: 1, y: 2 }), notify.s({}));
  // @ts-expect-error -- the last of three: a number is no text
  chain(report.s({ day: "d" }), notify.s({}), shout.s({}));
  // @ts-expect-error -- one result, two parameters
  chain(add.s({ x: 1, y: 2 }), add.s({}));
  // @ts-expect-error -- there is no such parameter
  add.s({ z: 1 });
  // @ts-expect-error -- an immutable signature gets nothing later
  add.si({ x: 1 });
});

it("groups have the list of their results, in their types too", () => {
  expectTypeOf(group(add.s({ x: 1, y: 2 }), shout.s({ text: "a" }))).toExtend<
    Signature<[number, string]>
  >();
  expectTypeOf(chord([add.s({ x: 1, y: 2 }), add.s({ x: 3, y: 4 })], sum.s({}))).toExtend<
    Signature<number>
  >();
  // @ts-expect-error -- a list of texts is none of numbers
  chord([shout.s({ text: "a" })], sum.s({}));
  // @ts-expect-error -- the group gives numbers and texts
  chain(group(add.s({ x: 1, y: 2 }), shout.s({ text: "a" })), sum.s({}));
  // Every member gets what comes before the group.
  chain(ping.s({}), group(shout.s({}), shout.s({})));
  // @ts-expect-error -- and so a member that can't take it doesn't fit
  chain(ping.s({}), group(shout.s({}), add.s({ y: 1 })));
  // @ts-expect-error -- an item that doesn't fit
  map(shout.s({}), [1]);
});

it("a call that lacks a parameter is not sent", () => {
  const sending = () => [
    lovage.send(add.s({ x: 1, y: 2 })),
    lovage.send(ping.s({})),
    // @ts-expect-error -- y is missing
    lovage.send(add.s({ x: 1 })),
    // @ts-expect-error -- the first link lacks its text
    lovage.send(chain(shout.s({}), shout.s({}))),
    // @ts-expect-error -- one of the members does
    lovage.send(group(add.s({ x: 1 }), ping.s({}))),
  ];
  expectTypeOf(sending).toBeFunction();
});
