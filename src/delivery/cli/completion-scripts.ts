import type { Names } from "./options.ts";

/** A command, by the words that lead to it, and what may follow. */
export interface Place {
  readonly path: string;
  /** Subcommands and fixed values. */
  readonly words: readonly string[];
  /** Options. */
  readonly flags: readonly string[];
  /** What its first argument is a name of. */
  readonly names: Names | null;
  /** Its options that take a value. */
  readonly options: readonly {
    readonly flags: readonly string[];
    readonly names: Names | null;
    readonly choices: readonly string[];
  }[];
}

/*
 * Both scripts walk the words before the cursor down the tree, and then ask small functions what may
 * follow: `_lovage_words` and `_lovage_names_of`, `_lovage_flags`, or `_lovage_takes` (the value of an option).
 */

/** @param call how the command line is started, by its full path, since an alias is not known here */
export function bashScript(places: readonly Place[], call: readonly string[]): string {
  return `# Completion of lovage for bash.
${functions(places, call)}
_lovage() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path="" word previous="" index found=""
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    if _lovage_is_place "\${path:+$path }$word"; then path="\${path:+$path }$word"; fi
    previous="$word"
  done
  if [[ "$previous" == -* ]] && _lovage_takes "$path" "$previous"; then
    found="$_lovage_found"
  elif [[ "$cur" == -* ]]; then
    _lovage_flags "$path"
    found="$_lovage_found"
  else
    _lovage_words "$path"
    found="$_lovage_found"
    _lovage_names_of "$path"
    found="$found $_lovage_found"
  fi
  COMPREPLY=($(compgen -W "$found" -- "$cur"))
}
complete -o default -F _lovage lovage`;
}

/** As `bashScript`. */
export function zshScript(places: readonly Place[], call: readonly string[]): string {
  return `#compdef lovage
# Completion of lovage for zsh.
${functions(places, call)}
_lovage() {
  local cur="\${words[CURRENT]}" place="" word previous="" index found=""
  for ((index = 2; index < CURRENT; index++)); do
    word="\${words[index]}"
    if _lovage_is_place "\${place:+$place }$word"; then place="\${place:+$place }$word"; fi
    previous="$word"
  done
  if [[ "$previous" == -* ]] && _lovage_takes "$place" "$previous"; then
    found="$_lovage_found"
  elif [[ "$cur" == -* ]]; then
    _lovage_flags "$place"
    found="$_lovage_found"
  else
    _lovage_words "$place"
    found="$_lovage_found"
    _lovage_names_of "$place"
    found="$found $_lovage_found"
  fi
  if [[ -n "\${found// /}" ]]; then compadd -- \${=found}; else _files; fi
}
compdef _lovage lovage`;
}

/** What the two have in common, in the words that both shells know. */
function functions(places: readonly Place[], call: readonly string[]): string {
  const command = call.map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(" ");
  const paths = places.filter(({ path }) => path !== "").map(({ path }) => quoted(path));
  const lists = (of: "words" | "flags") =>
    places
      .filter((place) => place[of].length > 0)
      .map((place) => `    ${quoted(place.path)}) _lovage_found=${quoted(place[of].join(" "))} ;;`)
      .join("\n");
  const named = places
    .filter(({ names }) => names !== null)
    .map(({ path, names }) => `    ${quoted(path)}) _lovage_ask ${names ?? ""} ;;`);
  const values = places.flatMap(({ path, options }) =>
    options.map(({ flags, names, choices }) => {
      const patterns = flags.map((flag) => quoted(`${path}|${flag}`)).join(" | ");
      const answer =
        names === null ? `_lovage_found=${quoted(choices.join(" "))}` : `_lovage_ask ${names}`;
      return `    ${patterns}) ${answer} ;;`;
    }),
  );
  return `_lovage_found=""
_lovage_ask() {
  _lovage_found="$(${command} names "$1" 2>/dev/null | tr '\\n' ' ')"
}
_lovage_is_place() {
  case "$1" in
    ${paths.join(" | ")}) return 0 ;;
  esac
  return 1
}
_lovage_words() {
  _lovage_found=""
  case "$1" in
${lists("words")}
  esac
}
_lovage_flags() {
  _lovage_found=""
  case "$1" in
${lists("flags")}
  esac
}
_lovage_names_of() {
  _lovage_found=""
  case "$1" in
${named.join("\n")}
  esac
}
_lovage_takes() {
  _lovage_found=""
  case "$1|$2" in
${values.join("\n")}
    *) return 1 ;;
  esac
  return 0
}`;
}

/** Paths, flags and choices are words of ours: letters, digits, - and _. */
function quoted(text: string): string {
  return `"${text}"`;
}
