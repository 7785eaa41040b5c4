// Sends requests to the page's routes and to Airflow's API as the logged-in user.

const root = new URL("../..", import.meta.url);
// The path of Airflow's own base URL, if any.
export const airflowRoot = root.pathname.replace(/\/agora\/bandwidth\/$/, "");

export function pathOf(route, params = {}) {
  const url = new URL(`api/${route}`, root);
  for (const [name, values] of Object.entries(params)) {
    for (const value of [values].flat()) if (value !== null && value !== undefined && value !== "") url.searchParams.append(name, value);
  }
  return url.pathname + url.search;
}

export function read(route, params) {
  return request("GET", pathOf(route, params));
}

export function write(route, body) {
  return request("POST", pathOf(route), body);
}

export function airflow(method, path, body) {
  return request(method, `${airflowRoot}/api/v2/${path}`, body);
}

async function request(method, address, body) {
  let response;
  try {
    response = await fetch(address, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new Error("Airflow does not respond. Check that its api-server is running.");
  }
  const content = await response.json().catch(() => ({}));
  if (response.ok) return content;
  throw new RequestError(response.status, content.detail);
}

// `status`: the HTTP status. `fields`: the message for each invalid parameter, by name.
class RequestError extends Error {
  constructor(status, detail) {
    super(errorMessage(status, detail));
    this.status = status;
    this.fields = Array.isArray(detail) ? Object.fromEntries(detail.map((part) => [part.loc?.at(-1), part.msg])) : {};
  }
}

// Whether a request failed because a parameter is invalid. Repeating the request would fail again.
export const isInvalid = (error) => error.status === 422;

// Returns the error in place of a response, so that the view's controls remain and show the error.
export function onlyIfInvalid(error) {
  if (isInvalid(error)) return error;
  throw error;
}

function errorMessage(status, detail) {
  if (status === 401) return "Your session has expired. Reload Airflow to log in again.";
  if (status === 403) return "You do not have permission. Viewing requires Airflow's right to read the DAG agora_bandwidth_backfill, collecting requires the right to trigger this DAG, and reviewing requires the right to edit the DAG agora_bandwidth_daily.";
  if (Array.isArray(detail)) return detail.map((part) => `${part.loc?.at(-1)}: ${part.msg}`).join("; ");
  return typeof detail === "string" ? detail : `Airflow returned HTTP ${status}.`;
}
