/** Callbacks for each signal. One listener a signal serves them all: Node warns of a leak from the eleventh on. */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Call `callback` when the signal is aborted.
 *
 * @returns a function that takes the callback back.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  const known = callbacks.get(signal);
  const waiting = known ?? new Set();
  if (known === undefined) {
    callbacks.set(signal, waiting);
    const fire = (): void => {
      for (const waiter of [...waiting]) waiter();
    };
    signal.addEventListener("abort", fire, { once: true });
  }
  waiting.add(callback);
  return () => waiting.delete(callback);
}
