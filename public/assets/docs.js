// @ts-check
/*
 * What the page of the API's documentation does besides being read: the search answers while it is typed, and
 * links open what they lead to. It works without: then the server searches.
 */

const field = /** @type {HTMLInputElement | null} */ (document.getElementById("q"));
const found = document.getElementById("found");
/** @type {NodeListOf<HTMLElement>} */
const operations = document.querySelectorAll("details.operation");

function search() {
  const words = (field?.value ?? "").toLowerCase().split(/\s+/);
  let count = 0;
  for (const operation of operations) {
    const text = operation.dataset["text"] ?? "";
    operation.hidden = !words.every((word) => text.includes(word));
    if (!operation.hidden) count += 1;
  }
  for (const section of document.querySelectorAll("section")) {
    const own = [...section.querySelectorAll("details.operation")];
    if (own.length > 0) {
      section.hidden = own.every((one) => one instanceof HTMLElement && one.hidden);
    }
  }
  if (found !== null) {
    const isAll = words.join("") === "";
    found.textContent = isAll ? "" : `${count} of ${operations.length} operations.`;
  }
}

/** Opens what the address leads to. */
function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(target instanceof HTMLDetailsElement)) return;
  target.open = true;
  target.scrollIntoView();
}

field?.addEventListener("input", search);
addEventListener("hashchange", open);
open();
