/**
 * Wait until the event loop has seen what came in: answers of threads, aborts, results of reads. A timer, the way where there is no
 * `setImmediate`, takes a millisecond or more.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve);
  });
}
