import type { OnUpdateEvent, UpdatePhase } from "./events.ts";

/** Which part of the whole way a phase is, in percent, when a delta is applied and when the image is pulled. */
const SPANS: Readonly<Record<UpdatePhase, readonly [from: number, to: number]>> = {
  request: [0, 0],
  wait: [0, 0],
  download: [0, 50],
  check: [50, 60],
  apply: [60, 95],
  verify: [95, 99],
  pull: [0, 60],
  done: [100, 100],
};

/**
 * Reduce an update's events to one number, as balena's dashboard shows it: whole percent from 0 to 100 that never fall, 100 only
 * when all is done. The parts of a chain of deltas have equal shares.
 *
 * ```ts
 * await updateImage({ …, onEvent: toPercentage((percent) => supervisor.report({ download_progress: percent })) });
 * ```
 *
 * @param onPercentage - called when the number changes, first with 0.
 */
export function toPercentage(onPercentage: (percent: number) => void): OnUpdateEvent {
  let shown = -1;
  // The device's own image is checked before anything arrives: that is no part of the way yet.
  let hasBegun = false;
  const show = (percent: number): void => {
    if (percent <= shown) return;
    shown = percent;
    onPercentage(percent);
  };
  return (event) => {
    if (event.type !== "progress") return show(0);
    const { phase, doneBytes, totalBytes, hop, hopCount } = event;
    if (phase === "done") return show(100);
    hasBegun ||= phase === "download" || phase === "pull" || phase === "apply";
    if (!hasBegun) return show(0);
    const [from, to] = SPANS[phase];
    const share = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 0;
    const percent = from + (to - from) * share;
    const hops = Math.max(1, hopCount);
    show(Math.min(99, Math.floor((100 * Math.max(0, hop - 1) + percent) / hops)));
  };
}
