// Instants as the viewer's clock shows them, and spans of time.

const instant = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const at = (iso) => (iso ? instant.format(new Date(iso)) : "–");

export function zoneWords() {
  return `in your zone, ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
}

export function took(from, to) {
  if (!from || !to) return "–";
  const seconds = Math.max(0, Math.round((new Date(to) - new Date(from)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
