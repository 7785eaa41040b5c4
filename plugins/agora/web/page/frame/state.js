// What is chosen stands in the address behind the #, so that a reload and a link keep it.

export function choose(view, params, changes) {
  location.hash = address(view, changed(params, changes));
}

// For a view that has drawn the change already; returns what is chosen now.
export function keep(view, params, changes) {
  const next = changed(params, changes);
  history.replaceState(null, "", `#${address(view, next)}`);
  return next;
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
