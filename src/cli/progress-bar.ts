import type { OnProgress, Progress } from "../io/index.ts";
import { formatSize } from "./format.ts";

/** The part of a terminal stream that the bar needs. */
export interface Terminal {
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** A bar that overwrites itself on one line. */
export interface ProgressBar {
  readonly onProgress: OnProgress;
  /** Wipe the line, so that what is printed next begins on a clean one. */
  clear(): void;
}

const REDRAW_MS = 100;
const BAR_CELLS = 24;

function clock(seconds: number): string {
  const whole = Math.min(Math.ceil(seconds), 359_999);
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
}

/**
 * One line for a phase: word, bar, percent, bytes, rate, time left.
 *
 * @param elapsedMs - since the phase began.
 * @param columns - width of the terminal; the line stays one short of it, since a full line wraps.
 */
export function formatProgress(progress: Progress, elapsedMs: number, columns: number): string {
  const { phase, doneBytes, totalBytes } = progress;
  const share = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 1;
  const rate = elapsedMs > 0 ? (doneBytes * 1000) / elapsedMs : 0;
  const filled = Math.round(share * BAR_CELLS);
  const parts = [
    phase.padEnd(7),
    `[${"#".repeat(filled)}${"-".repeat(BAR_CELLS - filled)}]`,
    `${Math.floor(share * 100)}%`.padStart(4),
    `${formatSize(doneBytes)} of ${formatSize(totalBytes)}`,
  ];
  if (rate > 0)
    parts.push(`${formatSize(rate)}/s`, `ETA ${clock(Math.max(0, totalBytes - doneBytes) / rate)}`);
  return parts.join("  ").slice(0, Math.max(0, columns - 1));
}

/** Draw progress on a terminal, at most ten times a second. */
export function createProgressBar(
  terminal: Terminal,
  nowMs: () => number = () => performance.now(),
): ProgressBar {
  let phase: string | undefined;
  let phaseStartMs = 0;
  let drawnMs = Number.NEGATIVE_INFINITY;
  let visible = false;
  return {
    onProgress: (progress) => {
      const now = nowMs();
      if (progress.phase !== phase) {
        phase = progress.phase;
        phaseStartMs = now;
      } else if (now - drawnMs < REDRAW_MS) return;
      drawnMs = now;
      visible = true;
      // Carriage return, text, erase to the end of the line: never a blank frame, so no flicker.
      terminal.write(`\r${formatProgress(progress, now - phaseStartMs, terminal.columns ?? 80)}\x1b[K`);
    },
    clear: () => {
      if (visible) terminal.write("\r\x1b[K");
      visible = false;
    },
  };
}
