// The six states of an app-day: how each looks and what it means.

export const STATES = {
  collected: { sign: "", means: "288 points" },
  partial: { sign: "◐", means: "fewer points, all of them sound" },
  pending: { sign: "·", means: "not requested yet" },
  rejected: { sign: "✕", means: "a response that breaks the vendor's contract" },
  failed: { sign: "!", means: "no usable response" },
  lost: { sign: "–", means: "expected, never collected, no longer available" },
};
// Beside the sign of the state.
export const SAME = { sign: "=", means: "the vendor gave other apps the same response body" };

// A day is requested for two days longer than the vendor's window should show it.
const MARGIN_DAYS = 2;
export const isRequestable = ({ state, days_left: days }) => state !== "lost" && days >= -MARGIN_DAYS;

// Of a day that is not lost.
export function left(days) {
  if (days < -MARGIN_DAYS) return "out of the vendor's window";
  if (days < 0) return "out of the window by the calendar; still requested";
  if (days === 0) return "last day to collect it is today";
  return `${days} ${days === 1 ? "day" : "days"} left`;
}
