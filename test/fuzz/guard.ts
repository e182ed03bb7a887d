/** Catches what a parser must not ask for, at the moment when it does. */
import { Finding } from "./target.ts";

/** No parser needs so much at once with the limits that the targets set. */
const MAX_ALLOCATION_BYTES = 1 << 26;

function guarded<T extends new (...args: never[]) => ArrayBufferView>(type: T, elementBytes: number): T {
  return new Proxy(type, {
    construct(original, args: unknown[], newTarget) {
      const [length] = args;
      if (typeof length === "number" && length * elementBytes > MAX_ALLOCATION_BYTES) {
        throw new Finding(`an allocation of ${length * elementBytes} bytes at once`);
      }
      return Reflect.construct(original, args, newTarget === proxies.get(original) ? original : newTarget);
    },
  });
}

const proxies = new Map<unknown, unknown>();

/** From now on allocating a typed array of more than 64 MiB is a finding. */
export function guardAllocations(): void {
  const types = { Uint8Array, Uint32Array, Float64Array, BigUint64Array };
  for (const [name, type] of Object.entries(types)) {
    const proxy = guarded(type as new (length: never) => ArrayBufferView, type.BYTES_PER_ELEMENT);
    proxies.set(type, proxy);
    (globalThis as Record<string, unknown>)[name] = proxy;
  }
}
