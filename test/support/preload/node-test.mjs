/**
 * `node:test`, but that it follows no promises. Node's does so by an async hook, to know which test calls `test` or
 * `describe`; where cases are promises by the thousand that takes half of the time.
 *
 * Here tests are declared by files and by the bodies of suites, at once. So the hook need only be there while a suite is
 * declared: what its body declares then finds it.
 */
import { createHook } from "node:async_hooks";
import runner from "node:test";

export * from "node:test";

/** How many suites are being declared, one in the other. */
let depth = 0;
let runnersHook;

const AsyncHook = Object.getPrototypeOf(createHook({}));
const { enable } = AsyncHook;
AsyncHook.enable = function () {
  const caller = new Error().stack.split("\n")[2];
  if (!caller.includes("node:internal/test_runner")) return enable.call(this);
  runnersHook = this;
  return depth > 0 ? enable.call(this) : this;
};

/** Takes what `describe` of `node:test` takes. */
export function describe(...args) {
  const [name, body] = [args[0], args.at(-1)];
  const declareTests = () => {
    if (body() !== undefined)
      throw new TypeError(`${name}: expected a suite that declares its tests at once`);
  };
  depth++;
  if (runnersHook !== undefined) enable.call(runnersHook);
  try {
    runner.describe(...args.slice(0, -1), declareTests);
  } finally {
    depth--;
    if (depth === 0) runnersHook?.disable();
  }
}

export { describe as suite };
