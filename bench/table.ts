/** Lines of text in columns: the first column to the left, the others to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** A whole number with thousands apart. */
export function formatNumber(value: number): string {
  return value.toLocaleString("en-US");
}

/** Megabytes (10^6) with one decimal. */
export function formatMegabytes(bytes: number | undefined): string {
  return bytes === undefined ? "-" : (bytes / 1e6).toFixed(1);
}

/** Seconds with two decimals. */
export function formatSeconds(seconds: number): string {
  return seconds.toFixed(2);
}
