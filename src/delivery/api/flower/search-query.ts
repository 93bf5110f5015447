import { STATES, WORKER_NAME, type Match } from "#engine";

/*
 * Flower's search language: terms side by side, or with AND between them, are all to be found; OR binds less;
 * parentheses; "quoted phrases"; `name: state: worker: args: kwargs: result:`.
 */

const MAX_LENGTH = 2_048;
const MAX_TOKENS = 128;
const MAX_DEPTH = 5;
const MIN_TERM_LENGTH = 3;
const FIELDS = ["name", "state", "worker", "args", "kwargs", "result"] as const;
type Field = (typeof FIELDS)[number];

/** A search that can't be read; the message is Flower's. */
export class SearchSyntaxError extends Error {
  constructor(what: string, position?: number) {
    super(position === undefined ? `${what}.` : `${what} at position ${position}.`);
  }
}

interface Token {
  readonly kind: "(" | ")" | "AND" | "OR" | "term" | "end";
  readonly text: string;
  readonly at: number;
}

/**
 * Reads a search. An empty one is true of all tasks.
 * @throws SearchSyntaxError
 */
export function readSearch(text: string): Match {
  const trimmed = text.trim();
  if (trimmed.length > MAX_LENGTH) {
    throw new SearchSyntaxError(`Query exceeds ${MAX_LENGTH} characters`);
  }
  const tokens = tokensOf(trimmed);
  return tokens.length === 1 ? { all: [] } : new Reader(tokens).read();
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (/\s/.test(char)) {
      at += 1;
      continue;
    }
    let end = at + 1;
    if (char === "(" || char === ")") tokens.push({ kind: char, text: char, at });
    else {
      const term = termAt(text, at);
      tokens.push(term.token);
      ({ end } = term);
    }
    if (tokens.length > MAX_TOKENS)
      throw new SearchSyntaxError(`Query exceeds ${MAX_TOKENS} tokens`);
    at = end;
  }
  return [...tokens, { kind: "end", text: "", at }];
}

/** What stands at a place up to the next space or parenthesis that is not quoted. */
function termAt(text: string, start: number): { token: Token; end: number } {
  let term = "";
  let isQuoted = false;
  let isOpen = false;
  let end = start;
  for (; end < text.length; end += 1) {
    const char = text[end] ?? "";
    const next = text[end + 1];
    if (char === "\\" && (next === '"' || next === "\\")) {
      term += next;
      end += 1;
    } else if (char === '"') {
      isQuoted = true;
      isOpen = !isOpen;
    } else if (!isOpen && /[\s()]/.test(char)) break;
    else term += char;
  }
  if (isOpen) throw new SearchSyntaxError("Unterminated quoted phrase", start);
  if (term === "") throw new SearchSyntaxError("Empty search term", start);
  if (!isQuoted && term === "NOT") throw new SearchSyntaxError("NOT is not supported", start);
  const kind = !isQuoted && (term === "AND" || term === "OR") ? term : "term";
  return { token: { kind, text: term, at: start }, end };
}

/** Descends through a search: any of all of terms or groups. */
class Reader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  read(): Match {
    const match = this.#anyOf(0);
    const { kind, text, at } = this.#token;
    if (kind !== "end") throw new SearchSyntaxError(`Unexpected '${text}'`, at);
    return match;
  }

  get #token(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", text: "", at: 0 };
  }

  #take(): Token {
    const token = this.#token;
    this.#next += 1;
    return token;
  }

  #anyOf(depth: number): Match {
    const any = [this.#allOf(depth)];
    while (this.#token.kind === "OR") {
      this.#operator();
      any.push(this.#allOf(depth));
    }
    return any.length === 1 && any[0] !== undefined ? any[0] : { any };
  }

  #allOf(depth: number): Match {
    const all = [this.#one(depth)];
    while (!["end", ")", "OR"].includes(this.#token.kind)) {
      if (this.#token.kind === "AND") this.#operator();
      all.push(this.#one(depth));
    }
    return all.length === 1 && all[0] !== undefined ? all[0] : { all };
  }

  #operator(): void {
    const { kind, at } = this.#take();
    if (this.#token.kind === "term" || this.#token.kind === "(") return;
    throw new SearchSyntaxError(`${kind} must be followed by a search term`, at);
  }

  #one(depth: number): Match {
    const token = this.#take();
    if (token.kind === "term") return termMatch(token);
    if (token.kind !== "(") throw new SearchSyntaxError("Expected a search term", token.at);
    if (depth >= MAX_DEPTH) {
      throw new SearchSyntaxError(`Query nesting exceeds ${MAX_DEPTH} levels`, token.at);
    }
    if (this.#token.kind === ")") throw new SearchSyntaxError("Empty group", token.at);
    const match = this.#anyOf(depth + 1);
    if (this.#take().kind !== ")") {
      throw new SearchSyntaxError("Missing closing parenthesis", token.at);
    }
    return match;
  }
}

function termMatch({ text, at }: Token): Match {
  const colon = text.indexOf(":");
  const qualifier = text.slice(0, Math.max(0, colon)).toLowerCase();
  const field = FIELDS.find((one) => one === qualifier) ?? null;
  const value = field === null ? text : text.slice(colon + 1);
  if (field === null && value.startsWith("-")) {
    throw new SearchSyntaxError("Negation with '-' is not supported", at);
  }
  if (value === "") throw new SearchSyntaxError("Search qualifier requires a value", at);
  const isWhole = field === "state" || (field === "kwargs" && value.includes("="));
  if (!isWhole && value.trim().length < MIN_TERM_LENGTH) {
    throw new SearchSyntaxError(
      `Substring search terms must contain at least ${MIN_TERM_LENGTH} characters`,
      at,
    );
  }
  return field === null ? anywhere(value) : inField(field, value);
}

function inField(field: Field, text: string): Match {
  switch (field) {
    case "name":
    case "state":
    case "result":
      return { field, text };
    case "worker":
      return WORKER_NAME.includes(text.toLowerCase()) ? { all: [] } : { any: [] };
    // Positional arguments are bound to their names when a task is called.
    case "args":
      return { field: "args", text };
    case "kwargs": {
      const end = text.indexOf("=");
      if (end < 0) return { field: "args", text };
      return { field: "pair", text: `${text.slice(0, end).trim()}=${text.slice(end + 1).trim()}` };
    }
  }
}

function anywhere(text: string): Match {
  const states = STATES.filter((state) => state.includes(text.toUpperCase()));
  return {
    any: [
      { field: "id", text },
      { field: "name", text },
      { field: "args", text },
      { field: "result", text },
      ...states.map((state): Match => ({ field: "state", text: state })),
      inField("worker", text),
    ],
  };
}
