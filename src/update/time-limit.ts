import { ErrorCode, LimitError } from "../errors.ts";

/**
 * Apply a delta within a time.
 *
 * @param timeoutMs - 0 for no limit.
 * @throws {@link LimitError} `TIMEOUT` as the reason of the signal that `run` is given.
 */
export async function runWithin(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal | undefined) => Promise<void>,
): Promise<void> {
  if (timeoutMs === 0) return run(signal);
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(
      new LimitError(
        ErrorCode.TIMEOUT,
        `expected the delta to be applied within ${timeoutMs} ms, it took longer; raise the apply timeout`,
      ),
    );
  }, timeoutMs);
  try {
    await run(signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}
