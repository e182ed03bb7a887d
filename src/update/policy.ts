/**
 * How a device updates itself, from the variables of its fleet and its own: those of balena's supervisor.
 *
 * @module
 */
import { isUnset, parseSwitch, parseWhole, type Variables } from "./variables.ts";

/** What the variables decide. Times are milliseconds. */
export interface DeltaPolicy {
  /** Whether deltas are asked for at all (`…_DELTA`); else every update is a full pull. */
  useDeltas: boolean;
  /** The version of balena's delta protocol (`…_DELTA_VERSION`). 2 and 3 stand for deltas, any other for full pulls. */
  version: number;
  /** How long a server may take to answer, and be silent during a download (`…_DELTA_REQUEST_TIMEOUT`); 0 is for ever. */
  requestTimeoutMs: number;
  /** How long applying a delta may take (`…_DELTA_APPLY_TIMEOUT`); 0 is for ever. */
  applyTimeoutMs: number;
  /** How often what may succeed later is tried again (`…_DELTA_RETRY_COUNT`). */
  retryCount: number;
  /** The longest time between two tries (`…_DELTA_RETRY_INTERVAL`), unless the server asks for a longer one. */
  retryIntervalMs: number;
}

/**
 * What holds where no variable says otherwise: balena's defaults, but with deltas on, as its platform sets it for every
 * device that can take them.
 */
export const DEFAULT_POLICY: Readonly<DeltaPolicy> = {
  useDeltas: true,
  version: 3,
  requestTimeoutMs: 59_000,
  applyTimeoutMs: 0,
  retryCount: 30,
  retryIntervalMs: 10_000,
};

/** The variables that make up a policy. */
export interface PolicySources {
  /** Of the fleet (formerly: application). */
  fleet?: Variables | undefined;
  /** The device's own. They win. */
  device?: Variables | undefined;
  /** What holds where neither says anything; {@link DEFAULT_POLICY} for what is left out. */
  defaults?: Partial<DeltaPolicy> | undefined;
}

/** A policy, and how it came about. */
export interface ResolvedPolicy {
  policy: DeltaPolicy;
  /** Where each value comes from: the variable ("BALENA_SUPERVISOR_DELTA of the device") or "default". */
  origins: Readonly<Record<keyof DeltaPolicy, string>>;
  /** One sentence for each variable that was not understood. Such a variable counts as not set. */
  warnings: readonly string[];
}

const STEM = "SUPERVISOR_DELTA";

/** The newer one first: where both are set at the same place, it wins. */
const PREFIXES = ["BALENA_", "RESIN_"] as const;

/** One setting: the end of its variables' names, and how their text is read. */
interface Setting<Value> {
  readonly suffix: string;
  readonly expected: string;
  parse(value: Variables[string]): Value | undefined;
}

const WHOLE = { expected: "a whole number from 0 to 2147483647", parse: parseWhole };

const SETTINGS: { readonly [Key in keyof DeltaPolicy]: Setting<DeltaPolicy[Key]> } = {
  useDeltas: { suffix: "", expected: "1, 0, true, false, on, off, yes or no", parse: parseSwitch },
  version: { suffix: "_VERSION", ...WHOLE },
  requestTimeoutMs: { suffix: "_REQUEST_TIMEOUT", ...WHOLE },
  applyTimeoutMs: { suffix: "_APPLY_TIMEOUT", ...WHOLE },
  retryCount: { suffix: "_RETRY_COUNT", ...WHOLE },
  retryIntervalMs: { suffix: "_RETRY_INTERVAL", ...WHOLE },
};

const KNOWN_NAMES: ReadonlySet<string> = new Set(
  PREFIXES.flatMap((prefix) => Object.values(SETTINGS).map(({ suffix }) => `${prefix}${STEM}${suffix}`)),
);

const OUR_NAMES = new RegExp(`^(?:${PREFIXES.join("|")})${STEM}`, "u");

/** Versions of balena's protocol that mean deltas: rsync batches and delta images. Both are flatdelta's own format here. */
const DELTA_VERSIONS: ReadonlySet<number> = new Set([2, 3]);

/**
 * The policy that a fleet's and a device's variables make. Of the device's the later ones win over the fleet's, whatever their prefix;
 * at one place `BALENA_SUPERVISOR_DELTA…` wins over `RESIN_SUPERVISOR_DELTA…`. All other variables are ignored.
 *
 * ```ts
 * const { policy, warnings } = resolvePolicy({
 *   fleet: { RESIN_SUPERVISOR_DELTA: "1", RESIN_SUPERVISOR_DELTA_RETRY_COUNT: "5" },
 *   device: { BALENA_SUPERVISOR_DELTA: "off" },
 * });
 * // policy.useDeltas === false, policy.retryCount === 5
 * ```
 */
export function resolvePolicy({ fleet = {}, device = {}, defaults = {} }: PolicySources): ResolvedPolicy {
  const warnings = [...warnOfUnknown(device, "device"), ...warnOfUnknown(fleet, "fleet")];
  const policy: DeltaPolicy = { ...DEFAULT_POLICY, ...defaults };
  const origins = Object.fromEntries(Object.keys(SETTINGS).map((key) => [key, "default"])) as Record<
    keyof DeltaPolicy,
    string
  >;
  const take = <Key extends keyof DeltaPolicy>(key: Key): void => {
    const { suffix, expected, parse } = SETTINGS[key];
    for (const [owner, variables] of [
      ["device", device],
      ["fleet", fleet],
    ] as const) {
      for (const prefix of PREFIXES) {
        const name = `${prefix}${STEM}${suffix}`;
        const text = variables[name];
        if (isUnset(text)) continue;
        const value = parse(text);
        if (value === undefined) {
          warnings.push(
            `${name} of the ${owner}: expected ${expected}, found ${JSON.stringify(text)}; it is ignored`,
          );
          continue;
        }
        policy[key] = value;
        origins[key] = `${name} of the ${owner}`;
        return;
      }
    }
  };
  for (const key of Object.keys(SETTINGS) as (keyof DeltaPolicy)[]) take(key);
  if (policy.useDeltas && !DELTA_VERSIONS.has(policy.version)) {
    policy.useDeltas = false;
    origins.useDeltas = origins.version;
    warnings.push(
      `${origins.version}: expected delta version 2 or 3, found ${policy.version}; deltas are off`,
    );
  }
  return { policy, origins, warnings };
}

function warnOfUnknown(variables: Variables, owner: string): string[] {
  return Object.keys(variables)
    .filter((name) => OUR_NAMES.test(name) && !KNOWN_NAMES.has(name))
    .map((name) => `${name} of the ${owner}: expected one of ${[...KNOWN_NAMES].join(", ")}; it is ignored`);
}

/** The variables that a device keeps. It is plain data: JSON holds it. */
export interface DeviceVariables {
  /** Name of the fleet that the device belongs to. */
  readonly fleet: string;
  readonly fleetVariables: Variables;
  readonly deviceVariables: Variables;
}

/**
 * What a device keeps when it moves to another fleet: the new fleet's variables take the place of the old one's, its own stay.
 *
 * ```ts
 * const moved = moveToFleet(stored, { name: "field-trial", variables: { BALENA_SUPERVISOR_DELTA: "1" } });
 * const { policy } = resolvePolicy({ fleet: moved.fleetVariables, device: moved.deviceVariables });
 * ```
 */
export function moveToFleet(
  { deviceVariables }: DeviceVariables,
  fleet: { name: string; variables: Variables },
): DeviceVariables {
  return { fleet: fleet.name, fleetVariables: fleet.variables, deviceVariables };
}
