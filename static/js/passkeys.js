// What went wrong with a passkey is said on the page, in its words, and not on the console.
"use strict";

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const box = document.getElementById("passkey-problem");
  const words = box.dataset[event.detail.exception.name] || box.dataset.otherwise;
  box.querySelector("p").textContent = words;
  box.hidden = false;
});
