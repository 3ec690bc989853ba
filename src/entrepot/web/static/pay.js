// The card goes from here to Stripe and never to us. Without this file, or without Stripe's, nothing can be paid by card.
"use strict";

addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("pay");
  const told = form.querySelector("[role=alert]");
  if (typeof Stripe === "undefined") return;
  const stripe = Stripe(form.dataset.key, { locale: document.documentElement.lang });
  const elements = stripe.elements({ clientSecret: form.dataset.secret });
  elements.create("payment").mount("#card");
  form.querySelector("button").hidden = false;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    told.textContent = "";
    // It sends the buyer on by itself, to the bank or to return_url: what comes back here is a refusal.
    const { error } = await stripe.confirmPayment({ elements, confirmParams: { return_url: form.dataset.back } });
    told.textContent = error.message;
    button.disabled = false;
  });
});
