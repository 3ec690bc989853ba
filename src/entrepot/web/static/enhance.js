// Everything works without this file. It saves a click, and keeps an impatient second one from being sent.
"use strict";

addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-once")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
});

// Coming back by the browser's own button shows the page as it was: let its forms be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-busy");
  }
});

// What is chosen decides what else is asked for: a country its fields, a region its cities.
addEventListener("change", (event) => {
  const form = event.target.form;
  if (event.target.hasAttribute("data-look")) return form.requestSubmit(form.querySelector("button[formaction$='/look']:not([aria-hidden])"));
  if (form?.hasAttribute("data-auto") && form.reportValidity()) form.requestSubmit(form.querySelector("button"));
});
