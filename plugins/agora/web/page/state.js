// What is chosen stands in the address behind the #, so that a reload and a link keep it.

export function choose(view, params, changes) {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "" || value === null || value === undefined) next.delete(name);
    else next.set(name, value);
  }
  const query = next.toString();
  location.hash = query ? `${view}?${query}` : view;
}
