/** Numbers as people read them. */

/** Whole bytes with separators: `1,234,567 bytes`. */
export function formatBytes(bytes: number): string {
  return bytes === 1 ? "1 byte" : `${formatCount(bytes)} bytes`;
}

/** A whole number with separators. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+(?!\d))/gu, ",");
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** A size in three or four characters and a decimal unit: `12.3 MB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 and not 1000, so that rounding never prints "1000 kB".
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A share of a whole: `12.3 %`; of nothing it is 0 %. */
export function formatShare(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : (part / whole) * 100;
  return `${percent.toFixed(percent !== 0 && percent < 1 ? 2 : 1)} %`;
}

/** A duration: `0.42 s`, `3:07`, `1:02:03`. */
export function formatDuration(seconds: number): string {
  if (seconds < 59.995) return `${seconds.toFixed(2)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
