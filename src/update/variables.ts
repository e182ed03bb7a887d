/** The variables of a fleet or a device as they come: text as a rule, but also what a JSON file holds. */
export type Variables = Readonly<Record<string, string | number | boolean | null | undefined>>;

const TRUE_WORDS: ReadonlySet<string> = new Set(["1", "true", "on", "yes", "y", "enabled"]);
const FALSE_WORDS: ReadonlySet<string> = new Set(["0", "false", "off", "no", "n", "disabled"]);

/** Longer than a timer can wait: 2^31 − 1 ms, almost 25 days. */
const MAX_NUMBER = 2 ** 31 - 1;

/** Whether a variable says nothing: it is not there, or was emptied. */
export function isUnset(value: Variables[string]): value is null | undefined | "" {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

/** What a variable means as a switch (`1`, `true`, `on`, `yes` … in any case), or `undefined` when it is none. */
export function parseSwitch(value: Variables[string]): boolean | undefined {
  const word = String(value).trim().toLowerCase();
  if (TRUE_WORDS.has(word)) return true;
  return FALSE_WORDS.has(word) ? false : undefined;
}

/** What a variable means as a count or a time: a whole number from 0 to 2^31 − 1, or `undefined` when it is none. */
export function parseWhole(value: Variables[string]): number | undefined {
  if (typeof value === "boolean") return undefined;
  const text = String(value).trim();
  const number = /^\+?[0-9]+(?:\.0*)?$/u.test(text) ? Number(text) : Number.NaN;
  return number <= MAX_NUMBER ? number : undefined;
}
