import { expect, it } from "vitest";
import { isTerminal, STATES, transition, type TaskEvent } from "#engine";

const EVENTS: readonly TaskEvent[] = [
  "claim",
  "succeed",
  "fail",
  "ignore",
  "retry",
  "suspend",
  "lose",
  "poison",
  "revoke",
  "terminate",
  "expire",
];

it("every state answers every event: the whole table", () => {
  const table = STATES.map((state) => {
    const answers = EVENTS.map((event) => `${event}:${transition(state, event) ?? "-"}`);
    return `${state} ${answers.join(" ")}`;
  });
  expect(table).toEqual([
    "PENDING claim:STARTED succeed:- fail:- ignore:- retry:- suspend:- lose:- poison:- revoke:REVOKED terminate:REVOKED expire:REVOKED",
    "STARTED claim:- succeed:SUCCESS fail:FAILURE ignore:IGNORED retry:RETRY suspend:SUSPENDED lose:RETRY poison:FAILURE revoke:STARTED terminate:REVOKED expire:-",
    "RETRY claim:STARTED succeed:- fail:- ignore:- retry:- suspend:- lose:- poison:- revoke:REVOKED terminate:REVOKED expire:REVOKED",
    "SUSPENDED claim:STARTED succeed:- fail:- ignore:- retry:- suspend:- lose:- poison:- revoke:REVOKED terminate:REVOKED expire:-",
    "SUCCESS claim:- succeed:- fail:- ignore:- retry:- suspend:- lose:- poison:- revoke:- terminate:- expire:-",
    "FAILURE claim:- succeed:- fail:- ignore:- retry:- suspend:- lose:- poison:- revoke:- terminate:- expire:-",
    "REVOKED claim:- succeed:- fail:- ignore:- retry:- suspend:- lose:- poison:- revoke:- terminate:- expire:-",
    "IGNORED claim:- succeed:- fail:- ignore:- retry:- suspend:- lose:- poison:- revoke:- terminate:- expire:-",
  ]);
});

it("nothing leaves a terminal state", () => {
  for (const state of STATES.filter(isTerminal)) {
    for (const event of EVENTS) expect(transition(state, event)).toBeNull();
  }
});
