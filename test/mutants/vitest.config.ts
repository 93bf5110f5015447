import { relative } from "node:path";
import { defineConfig, type Plugin, type TestProjectInlineConfiguration } from "vitest/config";
import base from "../../vitest.config.ts";
import { mutated, type Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/**
 * The tests on the code of a mutant (`MUTANT=<id>`; none: the code as it is). Files are changed while they are
 * loaded, never on disk.
 */
export default defineConfig(async (env) => {
  const id = process.env["MUTANT"];
  const mutant = MUTANTS.find((known) => known.id === id);
  if (id !== undefined && mutant === undefined) throw new Error(`There is no mutant ${id}.`);
  const config = await base(env);
  const own = mutant === undefined ? [] : [pluginOf(mutant)];
  const projects = (config.test?.projects ?? []) as TestProjectInlineConfiguration[];
  const changed = projects.map((project) => ({
    ...project,
    test: { ...project.test, fsModuleCache: false },
    plugins: [...own, ...(project.plugins ?? [])],
  }));
  // What is cached on disk is not known by its mutant: nothing of one may get into another's run, or into the tests'.
  return { root: ROOT, test: { ...config.test, fsModuleCache: false, projects: changed } };
});

function pluginOf(mutant: Mutant): Plugin {
  const files = new Set(mutant.edits.map(({ file }) => file));
  return {
    name: "mutant",
    enforce: "pre",
    transform(code, id) {
      const file = relative(ROOT, id.split("?")[0] ?? "");
      return files.has(file) ? { code: mutated(mutant, file, code), map: null } : null;
    },
  };
}
