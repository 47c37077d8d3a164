// Small comforts; every page works without them.
"use strict";

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const field = document.getElementById("search-everywhere");
    if (field && field.offsetParent !== null) {
      event.preventDefault();
      field.focus();
    }
  }
  if (event.key === "Escape") {
    const open = document.querySelector("details.menu[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  }
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A form that acts is sent once; the server would not act twice either.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = true;
});

// Coming back to a page that the browser kept: its buttons work again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll("form[data-once] button")) button.disabled = false;
});

// A button with data-copy="id" puts that element's text on the clipboard, and says so in its own words.
// Browsers give this clipboard neither over plain HTTP nor to whom people refuse it: the older way, or the text is marked.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    getSelection().selectAllChildren(source);
    isCopied = document.execCommand("copy");
  }
  if (isCopied) button.textContent = button.dataset.copied;
  else tell(document.getElementById("toasts").dataset.marked);
});

// A hidden page asks nothing.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.matches("[data-live]")) event.preventDefault();
});

// htmx drops the bodies of 4xx and 5xx answers: forms come back as 422 and are swapped, the rest is told.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.elt.matches("[data-live]")) return;
  tell(document.getElementById("toasts").dataset.failed.replace("%s", event.detail.xhr.status));
});

function tell(text) {
  const line = document.createElement("p");
  line.textContent = text;
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), 8000);
}
