// What is chosen stands in the address behind the #, so that a reload and a link keep it: in that of the page, and in
// the one that people see, which is Airflow's.

export function choose(view, params, changes) {
  location.hash = address(view, changed(params, changes));
}

// For a view that has drawn the change already; returns what is chosen now.
export function keep(view, params, changes) {
  const next = changed(params, changes);
  history.replaceState(null, "", `#${address(view, next)}`);
  mirrorAddress();
  return next;
}

// For a control that outlives such changes.
export function chosenNow() {
  return new URLSearchParams(location.hash.split("?")[1] ?? "");
}

export function mirrorAddress() {
  if (window.parent === window || !location.hash) return;
  const { history: outer, location: seen } = window.parent;
  outer.replaceState(outer.state, "", seen.pathname + seen.search + location.hash);
}

export function restoreAddress() {
  const seen = window.parent.location.hash;
  if (!location.hash && seen) history.replaceState(null, "", seen);
}

function changed(params, changes) {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "" || value === null || value === undefined) next.delete(name);
    else next.set(name, value);
  }
  return next;
}

function address(view, params) {
  const query = params.toString();
  return query ? `${view}?${query}` : view;
}
