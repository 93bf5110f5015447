import { it } from "vitest";
import { MESSAGE_MIXES } from "./faults.ts";
import { runMix } from "./histories.ts";

it.each(Object.entries(MESSAGE_MIXES))("every promise holds: %s", runMix);
