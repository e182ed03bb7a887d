/**
 * Conditional and range requests (RFC 9110, sections 13 and 14) for content with a strong entity tag.
 *
 * @module
 */
import { Problem } from "./problem.ts";

/** What of the content is to be sent: all of it, a part, or nothing since the client has it. */
export type Selection =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly offset: number; readonly length: number }
  | { readonly kind: "unchanged" };

const WHOLE: Selection = { kind: "whole" };

/** Whether a list of entity tags (`*`, `"a", W/"b"`) has this one. */
function listsTag(list: string, tag: string, allowsWeak: boolean): boolean {
  if (list.trim() === "*") return true;
  return list
    .split(",")
    .map((item) => item.trim())
    .some((item) => item === tag || (allowsWeak && item === `W/${tag}`));
}

/**
 * Decide what to send.
 *
 * Several ranges and ranges that cannot be read are answered with the whole content, as the specification allows.
 *
 * @param tag - the content's strong entity tag, with its quotes.
 * @throws {@link Problem} `PRECONDITION_FAILED` (412), `RANGE_NOT_SATISFIABLE` (416).
 */
export function selectContent(headers: Headers, tag: string, sizeBytes: number): Selection {
  const ifMatch = headers.get("if-match");
  if (ifMatch !== null && !listsTag(ifMatch, tag, false))
    throw new Problem(412, "PRECONDITION_FAILED", "expected the content that If-Match names, it is another");
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== null && listsTag(ifNoneMatch, tag, true)) return { kind: "unchanged" };
  const range = headers.get("range");
  const ifRange = headers.get("if-range");
  if (range === null || (ifRange !== null && ifRange.trim() !== tag)) return WHOLE;
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/iu.exec(range.replace(/\s+/gu, ""));
  if (found === null || (found[1] === "" && found[2] === "")) return WHOLE;
  const [first, last] = [found[1]!, found[2]!];
  const offset = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  // A last byte before the first one makes the range invalid, and an invalid one is ignored.
  if (first !== "" && last !== "" && Number(last) < Number(first)) return WHOLE;
  if (offset >= end) {
    throw new Problem(416, "RANGE_NOT_SATISFIABLE", `expected a range inside ${sizeBytes} bytes`, {
      headers: { "content-range": `bytes */${sizeBytes}` },
    });
  }
  return { kind: "part", offset, length: end - offset };
}
