// @ts-check
/*
 * What the dashboard's pages do besides being read; each of them works without it. A live page is fetched
 * again when something happens, or every now and then, and what differs is put into the page that is open.
 */

/** Events ask for one refresh together that come within this time. */
const COALESCE_MS = 1_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 30_000;
/** So long a notice stays on a page that refreshes itself, from when it was loaded. */
const NOTICE_MS = 30_000;

/** Pages come from this server, and its policy lets nothing in them run. */
const policy = Reflect.get(globalThis, "trustedTypes")?.createPolicy("lovage", {
  createHTML: (/** @type {string} */ html) => html,
});

/** @param {string} html */
function parse(html) {
  return new DOMParser().parseFromString(policy?.createHTML(html) ?? html, "text/html");
}

/**
 * Makes `old` what `fresh` is and touches only what differs: focus, selection and scroll positions stay, and so
 * does what a person has typed or opened.
 * @param {Element} old
 * @param {Element} fresh
 */
function morph(old, fresh) {
  const isTyped = old.matches("input:not([type=hidden]), textarea, select");
  if (isTyped) return;
  const isKept = (/** @type {string} */ name) => name === "open" && old.matches("details, dialog");
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !isKept(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value && !isKept(name)) old.setAttribute(name, value);
  }
  dropGone(old, fresh);
  let cursor = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    // What was just done is said for a while, also by a page that changes meanwhile.
    if (isSaid(cursor)) cursor = cursor?.nextSibling ?? null;
    const twin = twinOf(next, old, cursor);
    if (twin === null) {
      old.insertBefore(next, cursor);
      continue;
    }
    if (twin === cursor) cursor = cursor.nextSibling;
    else old.insertBefore(twin, cursor);
    if (twin instanceof Element && next instanceof Element) morph(twin, next);
    else if (twin.nodeValue !== next.nodeValue) twin.nodeValue = next.nodeValue;
  }
  while (cursor !== null) {
    const gone = cursor;
    cursor = cursor.nextSibling;
    if (!isSaid(gone)) gone.remove();
  }
}

/**
 * Takes out what is not there any more, by its id or as the last of its kind, first of all: what stands behind it
 * would be taken for something new, and what was typed into it lost.
 * @param {Element} old
 * @param {Element} fresh
 */
function dropGone(old, fresh) {
  const there = new Set([...fresh.children].map(nameOf));
  for (const child of [...old.children]) {
    if (!there.has(nameOf(child)) && !isSaid(child)) child.remove();
  }
}

/**
 * By what it is known again: its id, or else its kind.
 * @param {Node} node
 */
function nameOf(node) {
  const id = idOf(node);
  return id === "" ? node.nodeName : `id ${id}`;
}

/**
 * Whether it is the notice of what was done, which the server says once, and was not there long.
 * @param {Node | null} node
 */
function isSaid(node) {
  return node !== null && idOf(node) === "notice" && performance.now() < NOTICE_MS;
}

/**
 * By its attribute: the property of a form is its field of that name.
 * @param {Node} node
 */
function idOf(node) {
  return node instanceof Element ? (node.getAttribute("id") ?? "") : "";
}

/**
 * What stands for `next` in the open page: by its id, or the next one of its kind.
 * @param {Node} next
 * @param {Element} parent
 * @param {ChildNode | null} cursor
 */
function twinOf(next, parent, cursor) {
  const id = idOf(next);
  if (id !== "") {
    const named = document.getElementById(id);
    return named?.parentElement === parent && named.nodeName === next.nodeName ? named : null;
  }
  const isAlike = cursor !== null && nameOf(cursor) === nameOf(next);
  return isAlike ? cursor : null;
}

/** A page that shows what is now: `<main data-live="10" data-events="/api/events">`. */
class LivePage {
  #main;
  #everyMs;
  #events;
  /** @type {EventSource | null} */
  #source = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #dueAt = Infinity;
  #failures = 0;
  #isLoading = false;
  /** Something happened while it loaded. */
  #isBehind = false;

  /** @param {HTMLElement} main */
  constructor(main) {
    this.#main = main;
    this.#everyMs = Number(main.dataset["live"]) * 1_000;
    this.#events = main.dataset["events"] ?? null;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#rest();
      else this.#wake(true);
    });
    this.#wake(false);
  }

  /** @param {boolean} isLate */
  #wake(isLate) {
    if (this.#events !== null && this.#source === null) {
      this.#source = new EventSource(this.#events);
      const soon = () => this.#in(COALESCE_MS);
      for (const type of ["tasks", "state"]) this.#source.addEventListener(type, soon);
    }
    this.#in(isLate ? 0 : this.#everyMs);
  }

  #rest() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timer);
    this.#dueAt = Infinity;
  }

  /** @param {number} ms */
  #in(ms) {
    const at = Date.now() + ms;
    if (at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => void this.#refresh(), ms);
  }

  async #refresh() {
    this.#dueAt = Infinity;
    if (document.hidden) return;
    if (this.#isLoading) {
      this.#isBehind = true;
      return;
    }
    this.#isLoading = true;
    this.#isBehind = false;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" } });
      // Signed out meanwhile, or the like: the whole page says so.
      if (answer.redirected || answer.status === 401 || answer.status === 403) {
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = parse(await answer.text()).querySelector("main");
      if (fresh !== null) morph(this.#main, fresh);
      this.#failures = 0;
      this.#in(this.#everyMs);
      // What is over needs no more of them.
      if (fresh?.dataset["live"] === undefined) this.#rest();
    } catch {
      this.#failures += 1;
      this.#in(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures));
    } finally {
      this.#isLoading = false;
      if (this.#isBehind) this.#in(COALESCE_MS);
      document.body.toggleAttribute("data-stale", this.#failures > 0);
      tellTimes();
    }
  }
}

const words = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

/**
 * "3 min ago".
 * @param {number} ms from now; before now it is negative
 */
function relative(ms) {
  const seconds = Math.round(ms / 1_000);
  const size = Math.abs(seconds);
  if (size < 60) return words.format(seconds, "second");
  if (size < 3_600) return words.format(Math.trunc(seconds / 60), "minute");
  if (size < 86_400) return words.format(Math.trunc(seconds / 3_600), "hour");
  return words.format(Math.trunc(seconds / 86_400), "day");
}

function tellTimes() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const at = Date.parse(time.getAttribute("datetime") ?? "");
    const text = relative(at - Date.now());
    if (time.textContent !== text) time.textContent = text;
  }
}

/** Forms that ask before they do what can't be undone, buttons that copy, boxes that choose all. */
function listen() {
  document.addEventListener("submit", (event) => {
    const button = event instanceof SubmitEvent ? event.submitter : null;
    const form = event.target instanceof HTMLFormElement ? event.target : null;
    const question =
      button?.getAttribute("data-confirm") ?? form?.getAttribute("data-confirm") ?? null;
    if (question !== null && !confirm(question)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const button = target?.closest("button[data-copy]") ?? null;
    if (button === null) return;
    void navigator.clipboard.writeText(button.getAttribute("data-copy") ?? "").then(() => {
      button.setAttribute("data-copied", "");
      setTimeout(() => button.removeAttribute("data-copied"), 1_500);
    });
  });
  document.addEventListener("change", (event) => {
    const box = event.target instanceof HTMLInputElement ? event.target : null;
    const name = box?.getAttribute("data-chooses") ?? null;
    if (box === null || name === null) return;
    for (const one of document.querySelectorAll(
      `input[type=checkbox][name="${CSS.escape(name)}"]`,
    )) {
      if (one instanceof HTMLInputElement) one.checked = box.checked;
    }
  });
  document.addEventListener("keydown", (event) => {
    const isTyping =
      event.target instanceof Element && event.target.matches("input, textarea, select");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const search = document.querySelector("input[type=search]");
    if (!(search instanceof HTMLInputElement)) return;
    event.preventDefault();
    search.focus();
  });
}

const PREVIEW_WAIT_MS = 400;

/**
 * A form that shows what it would mean while it is filled in: `<form data-preview="/its/path">`. It is sent
 * there, and of the answer the part `preview` is taken.
 * @param {HTMLFormElement} form
 */
function previewing(form) {
  const path = form.dataset["preview"] ?? "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let asked = 0;
  const show = async () => {
    asked += 1;
    const mine = asked;
    const fields = new FormData(form);
    const body = new URLSearchParams();
    for (const [name, value] of fields) if (typeof value === "string") body.append(name, value);
    const answer = await fetch(path, { method: "POST", body, headers: { "X-Live": "1" } });
    const fresh = parse(await answer.text()).getElementById("preview");
    const old = document.getElementById("preview");
    if (mine !== asked || fresh === null || old === null) return;
    morph(old, fresh);
    tellTimes();
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    // What can't be shown now is when the button is pressed.
    timer = setTimeout(() => void show().catch(() => {}), PREVIEW_WAIT_MS);
  });
}

listen();
for (const form of document.querySelectorAll("form[data-preview]")) {
  if (form instanceof HTMLFormElement) previewing(form);
}
tellTimes();
setInterval(tellTimes, 10_000);
const main = document.querySelector("main");
if (main?.dataset["live"] !== undefined) void new LivePage(main);
