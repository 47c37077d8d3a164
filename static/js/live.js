// Tells how old the live parts are, marks new copies, and says them at most every ten seconds.
"use strict";

(() => {
  const state = document.getElementById("live-state");
  const summary = document.getElementById("live-summary");
  const POLL = 3;
  const fresh = new Map();
  let checkedAt = Date.now();
  let known = ids();

  function ids() {
    return new Set([...document.querySelectorAll(".feed > li")].map((row) => row.id));
  }

  function show() {
    const age = Math.round((Date.now() - checkedAt) / 1000);
    const stale = age > 3 * POLL && !document.hidden;
    state.classList.toggle("is-stale", stale);
    state.classList.toggle("is-live", !stale);
    state.textContent = (stale ? state.dataset.stale : state.dataset.updated).replace("%s", age);
  }

  // The event's target may be an ancestor by now, as the part that asked has been swapped away.
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && event.detail.elt.matches("[data-live]")) checkedAt = Date.now();
  });

  document.addEventListener("htmx:afterSettle", () => {
    for (const row of document.querySelectorAll(".feed > li")) {
      if (known.has(row.id)) continue;
      row.classList.add("is-new");
      fresh.set(row.id, row.dataset.ending);
    }
    known = ids();
  });

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) checkedAt = Date.now();
  });

  setInterval(show, 1000);
  setInterval(() => {
    if (fresh.size === 0) return;
    const counts = {};
    for (const ending of fresh.values()) counts[ending] = (counts[ending] || 0) + 1;
    const { one, many } = summary.dataset;
    const parts = Object.entries(counts).map(([ending, count]) => `${count} ${ending}`);
    summary.textContent = `${(fresh.size === 1 ? one : many).replace("%s", fresh.size)}: ${parts.join(", ")}`;
    fresh.clear();
  }, 10000);
})();
