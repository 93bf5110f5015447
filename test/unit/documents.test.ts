import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const scripts = (
  JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Readonly<Record<string, string>>;
  }
).scripts;

const pages = globSync(["*.md", "examples/**/*.md", "test/**/*.md"], { cwd: ROOT });

/** A path as pages write it: from the root, or of a ring. */
const PATH =
  /`((?:src|test|scripts|bench|examples|monitoring|client|engine|platform|domain|integrations|delivery|testing)\/[\w./-]*\w\/?)`/g;

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return Array.from(text.matchAll(/^#+ (.+)$/gm), ([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe.each(pages)("%s", (page) => {
  const text = read(page);

  it("links to pages and headings that are there", () => {
    const broken = Array.from(text.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g))
      .filter(([, file = "", anchor]) => {
        const path = file === "" ? page : join(dirname(page), file);
        if (!existsSync(join(ROOT, path))) return true;
        return anchor !== undefined && !anchorsOf(read(path)).includes(anchor);
      })
      .map(([link]) => link);
    expect(broken).toEqual([]);
  });

  it("names files and scripts that are there", () => {
    const files = Array.from(text.matchAll(PATH), ([, file = ""]) => file).filter(
      (file) => !file.startsWith("bench/results/"),
    );
    const commands = Array.from(text.matchAll(/npm run ([\w:]+)/g), ([, name = ""]) => name);
    const isThere = (file: string) => ["", "src"].some((dir) => existsSync(join(ROOT, dir, file)));
    expect(files.filter((file) => !isThere(file))).toEqual([]);
    expect(commands.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it("names commands that keys and admin have", () => {
    const used = Array.from(text.matchAll(/npm run (keys|admin) -- (\w+)/g));
    const unknown = used.filter(
      ([, script = "", command = ""]) =>
        !read(`scripts/${script}.ts`).includes(`command === "${command}"`),
    );
    expect(unknown.map(([words]) => words)).toEqual([]);
  });
});
