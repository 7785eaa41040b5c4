// Stores the user's choices after the # in the page's address and in Airflow's address, for reloads and links.

export function navigate(view, params, changes) {
  location.hash = hashOf(view, withChanges(params, changes));
}

// Updates the address without navigating, for a view that already shows the change. Returns the new parameters.
export function updateAddress(view, params, changes) {
  const next = withChanges(params, changes);
  history.replaceState(null, "", `#${hashOf(view, next)}`);
  copyAddressToAirflow();
  return next;
}

// The address of an app-day's history.
export function dayAddress({ app_id: appId, usage_date: date }) {
  return `#coverage?${new URLSearchParams({ day: `${appId},${date}` })}`;
}

// The current parameters, for a control that was created before the last update.
export function currentParams() {
  return new URLSearchParams(location.hash.split("?")[1] ?? "");
}

export function copyAddressToAirflow() {
  if (window.parent === window || !location.hash) return;
  const { history: outerHistory, location: outerLocation } = window.parent;
  outerHistory.replaceState(outerHistory.state, "", outerLocation.pathname + outerLocation.search + location.hash);
}

export function restoreAddressFromAirflow() {
  const outerHash = window.parent.location.hash;
  if (!location.hash && outerHash) history.replaceState(null, "", outerHash);
}

function withChanges(params, changes) {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "" || value === null || value === undefined) next.delete(name);
    else next.set(name, value);
  }
  return next;
}

function hashOf(view, params) {
  const query = params.toString();
  return query ? `${view}?${query}` : view;
}
