// Calls of the page's own routes and of Airflow's API, as the user who is logged in.

const here = new URL("../..", import.meta.url);
// Airflow itself, which may lie below a path of its own.
export const airflowRoot = here.pathname.replace(/\/agora\/bandwidth\/$/, "");

export function pathOf(route, params = {}) {
  const url = new URL(`api/${route}`, here);
  for (const [name, value] of Object.entries(params)) {
    for (const one of [value].flat()) if (one !== null && one !== undefined && one !== "") url.searchParams.append(name, one);
  }
  return url.pathname + url.search;
}

export function read(route, params) {
  return call("GET", pathOf(route, params));
}

export function write(route, body) {
  return call("POST", pathOf(route), body);
}

export function airflow(method, path, body) {
  return call(method, `${airflowRoot}/api/v2/${path}`, body);
}

async function call(method, address, body) {
  let answer;
  try {
    answer = await fetch(address, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new Error("Airflow does not answer. Is its api-server running?");
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  throw new Error(wordsFor(answer.status, content.detail));
}

function wordsFor(status, detail) {
  if (status === 401) return "Your login has ended. Reload Airflow to log in again.";
  if (status === 403) return "Your login may not do this. It needs Airflow's right to read (to look) or to trigger (to collect) the DAG agora_bandwidth_backfill, or to edit (to review) the DAG agora_bandwidth_daily.";
  if (Array.isArray(detail)) return detail.map((part) => `${part.loc?.at(-1)}: ${part.msg}`).join("; ");
  return typeof detail === "string" ? detail : `Airflow answered ${status}.`;
}
