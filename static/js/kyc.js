// Tells how far an upload is, and of a file that is too large before it is sent.
"use strict";

(() => {
  const LARGEST = 10 * 1024 * 1024;

  function partsOf(form) {
    const box = form.querySelector(".upload-progress");
    return { box, bar: box.querySelector("progress"), text: box.querySelector("span") };
  }

  function isTooLarge(form) {
    const file = form.querySelector("input[type=file]").files[0];
    const line = form.querySelector("[data-too-large]");
    const large = Boolean(file) && file.size > LARGEST;
    line.textContent = large ? line.dataset.tooLarge : "";
    return large;
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches(".upload input[type=file]")) isTooLarge(event.target.form);
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.detail.elt;
    if (!form.matches(".upload")) return;
    if (isTooLarge(form)) {
      event.preventDefault();
      return;
    }
    partsOf(form).box.hidden = false;
    form.querySelector("button[type=submit]").disabled = true;
  });

  document.addEventListener("htmx:xhr:progress", (event) => {
    const form = event.target.closest(".upload");
    if (!form || !event.detail.lengthComputable) return;
    const { bar, text } = partsOf(form);
    const percent = Math.round((100 * event.detail.loaded) / event.detail.total);
    bar.value = percent;
    text.textContent = percent < 100 ? text.dataset.sending.replace("%s", percent) : text.dataset.checking;
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt;
    if (!form.matches(".upload")) return;
    partsOf(form).box.hidden = true;
    form.querySelector("button[type=submit]").disabled = false;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const part = document.getElementById("kyc");
    if (part && event.detail.target.id === "kyc") part.focus({ preventScroll: false });
  });
})();
