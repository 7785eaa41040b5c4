// The six states of an app-day: their signs and meanings, and the time left to collect a day.
import { formatCount } from "./format.js";

export const STATES = {
  collected: { sign: "", means: "288 points" },
  partial: { sign: "◐", means: "fewer than 288 points, all valid" },
  pending: { sign: "·", means: "not requested yet" },
  rejected: { sign: "✕", means: "response violates the vendor's specification" },
  failed: { sign: "!", means: "no usable response" },
  lost: { sign: "–", means: "expected, never collected, no longer available" },
};
// Shown next to the state's sign.
export const SAME_RESPONSE = { sign: "=", means: "other apps got the same response body" };

// A day is still requested for two days after it should have left the vendor window.
const MARGIN_DAYS = 2;
export const isRequestable = ({ state, days_left: days }) => state !== "lost" && days >= -MARGIN_DAYS;

export function timeLeft(days) {
  if (days < -MARGIN_DAYS) return "outside the vendor window";
  if (days < 0) return "past the vendor window, still requested";
  if (days === 0) return "expires today";
  return `${formatCount(days, "day")} left`;
}
