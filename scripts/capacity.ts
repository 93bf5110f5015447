/**
 * `npm run capacity -- --rate 10000 --shards 16`: what a deployment of so many shards does under such a load, by a
 * simulation of its lines. Options: `--batch` tasks a request (1), `--duration` of a handler in ms (0), `--seconds`
 * to simulate (10), `--seed` (1), `--local`: the times measured on this machine, and one processor for everything.
 */
import { predict } from "./capacity/prediction.ts";
import { DOCUMENTED, measuredTimes } from "./capacity/service-times.ts";
import { optionsOf } from "./options.ts";

const { values } = optionsOf({
  options: {
    rate: { type: "string", default: "100" },
    shards: { type: "string", default: "4" },
    batch: { type: "string", default: "1" },
    duration: { type: "string", default: "0" },
    seconds: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    local: { type: "boolean", default: false },
  },
});

/** A number from `least` on, with its unit or without: "20ms" of a duration, "60s" of the seconds. */
function number(name: Exclude<keyof typeof values, "local">, least: number, unit = "") {
  const text = values[name];
  const value = Number(text.endsWith(unit) ? text.slice(0, text.length - unit.length) : text);
  if (Number.isFinite(value) && value >= least) return value;
  console.error(`--${name} is a number from ${least} on.`);
  process.exit(2);
}

const load = {
  rate: number("rate", 0.001),
  shards: Math.round(number("shards", 1)),
  batch: Math.round(number("batch", 1)),
  durationMs: number("duration", 0, "ms"),
  seconds: number("seconds", 1, "s"),
  seed: number("seed", 0),
  isShared: values.local,
};
const prediction = predict(load, values.local ? measuredTimes() : DOCUMENTED);
for (const [name, value] of Object.entries(prediction)) {
  console.log(`${name.replaceAll("_", " ").padEnd(28)} ${Number(value.toPrecision(4))}`);
}
if (Math.max(prediction.shard_busy, prediction.d1_busy) >= 0.95) {
  console.log("Too much: the line grows for as long as this lasts.");
}
