import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it.each(["keys", "admin"])("the help of `lovage %s` names what its script does", (name) => {
  const help = readFileSync("src/delivery/cli/commands/scripts.ts", "utf8");
  const entry = new RegExp(`"${name}",\\s+"[^"]+: ([^"]+)",\\s+"([^"]+)",`).exec(help);
  const script = readFileSync(`scripts/${name}.ts`, "utf8");
  const done = Array.from(script.matchAll(/command === "(\w+)"/g), ([, word]) => word ?? "").sort();
  expect(done).toContain("create");
  expect(entry?.[1]?.split(", ").sort()).toEqual(done);
  const usage = entry?.[2]?.split("\\n").map((line) => line.split(" ")[0]);
  expect(usage?.sort()).toEqual(done);
});
