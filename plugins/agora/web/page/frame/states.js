// The six states of an app-day: how each looks and what it means.

export const STATES = {
  collected: { sign: "", means: "288 points" },
  partial: { sign: "◐", means: "fewer points, all of them sound" },
  pending: { sign: "·", means: "not asked yet" },
  rejected: { sign: "✕", means: "an answer that breaks the vendor's contract" },
  failed: { sign: "!", means: "no usable answer" },
  lost: { sign: "–", means: "left the vendor's window uncollected" },
};

export function left(days) {
  if (days < 0) return "out of the vendor's window";
  if (days === 0) return "last day to collect it is today";
  return `${days} ${days === 1 ? "day" : "days"} left`;
}
