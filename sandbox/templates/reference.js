// Sends each form's request and shows the response as received.
"use strict";

const credentials = document.getElementById("customer").elements;

function authorization() {
  const pair = new TextEncoder().encode(`${credentials.id.value}:${credentials.certificate.value}`);
  return `Basic ${btoa(String.fromCharCode(...pair))}`;
}

function requestOf(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const { name, value, dataset } of form.querySelectorAll("[data-in]")) {
    if (dataset.in === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value) query.append(name, value);
  }
  const body = form.elements.body?.value || undefined;
  const headers = new Headers(body && { "Content-Type": "application/json" });
  if (form.querySelector("[data-customer]")) headers.set("Authorization", authorization());
  // Without "omit", the browser prompts for credentials after a 401 and stores them.
  const options = { credentials: "omit", cache: "no-store", redirect: "manual" };
  return new Request(query.size ? `${path}?${query}` : path, { method: form.dataset.method, headers, body, ...options });
}

async function textOf(response) {
  if (response.type === "opaqueredirect") return "The response is a redirect, which this page does not follow.";
  const lines = [`HTTP ${response.status} ${response.statusText}`];
  for (const [name, value] of response.headers) lines.push(`${name}: ${value}`);
  return [...lines, "", await response.text()].join("\n");
}

async function send(form) {
  const shown = form.querySelector("pre");
  shown.hidden = false;
  shown.textContent = "Waiting for the response…";
  try {
    shown.textContent = await textOf(await fetch(requestOf(form)));
  } catch {
    shown.textContent = "The sandbox closed the connection before the response was complete, or it is not running.";
  }
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.dataset.path) send(event.target);
});
