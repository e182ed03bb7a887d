import type { Image } from "../image/index.ts";
import { listDeltas, type PublishedDelta } from "../registry/deltas.ts";
import {
  formatReference,
  openBlob,
  parseReference,
  type Reference,
  RegistryClient,
  readRegistryImage,
} from "../registry/index.ts";
import { findChain } from "./chain.ts";
import { type RegistryAccess, registryOptions, registryReader, withoutTransport } from "./pull-registry.ts";
import type {
  DeltaAnswer,
  DeltaOffer,
  Digest,
  PullOptions,
  Release,
  SourceOptions,
  UpdateSource,
} from "./source.ts";

/** Options of {@link registrySource}. */
export interface RegistrySourceOptions extends RegistryAccess {
  /** How many deltas one after another are taken at most, where there is none from what is here: 4 unless said otherwise. */
  maxHops?: number | undefined;
}

const DEFAULT_MAX_HOPS = 4;
const BLOB_TYPE = "application/octet-stream";

/**
 * A registry as the source of updates, with no service: wanted is an image's reference (`registry.example.com/app:stable`, with or without `docker://`), deltas
 * are those that refer to it (`flatdelta publish`). Where none leads from what is here, deltas to the older images are followed back, and
 * the chain with the fewest bytes is taken.
 *
 * ```ts
 * const source = registrySource({ credentials: dockerCredentials() });
 * await updateImage({ current, wanted: "registry.example.com/app:stable", source });
 * ```
 */
export function registrySource(options: RegistrySourceOptions = {}): UpdateSource {
  return new RegistrySource(options);
}

class RegistrySource implements UpdateSource {
  readonly name = "the registry";
  readonly #options: RegistrySourceOptions;
  readonly #clients = new Map<number | undefined, RegistryClient>();

  constructor(options: RegistrySourceOptions) {
    this.#options = options;
  }

  async resolve(wanted: string, options: SourceOptions): Promise<Release> {
    const reference = parseReference(withoutTransport(wanted));
    const client = this.#client(options);
    const image = await readRegistryImage(reference, {
      client,
      platform: this.#options.platform,
      signal: options.signal,
    });
    await image.close();
    const fixed: Reference = { ...repositoryOf(reference), digest: image.manifest.digest };
    const deltas = await listDeltas(client, reference, image.manifest.digest, options);
    return {
      identity: formatReference(fixed),
      claimedDigest: agreedTarget(deltas),
      pullBytes: image.storedBytes,
      location: formatReference(fixed),
    };
  }

  async findDeltas(basisDigest: Digest, release: Release, options: SourceOptions): Promise<DeltaAnswer> {
    const target = parseReference(release.location!);
    const client = this.#client(options);
    const direct = await listDeltas(client, target, target.digest!, options);
    if (direct.length > 0 && agreedTarget(direct) === undefined)
      return { hops: [], reason: "the registry has deltas that contradict each other on what the image is" };
    const hops = await findChain<PublishedDelta>({
      basisDigest,
      direct,
      list: (manifest) => listDeltas(client, target, manifest, options),
      maxHops: this.#options.maxHops ?? DEFAULT_MAX_HOPS,
      maxBytes: release.pullBytes ?? Number.MAX_SAFE_INTEGER,
    });
    const location = formatReference(repositoryOf(target));
    return {
      hops: hops.map((delta) => ({
        basisDigest: delta.basisFlatDigest,
        targetDigest: delta.targetFlatDigest,
        deltaDigest: delta.deltaDigest,
        deltaBytes: delta.deltaBytes,
        location,
      })),
      reason: `no deltas in the registry lead from ${basisDigest} to it with fewer bytes than a pull`,
    };
  }

  openDelta({ deltaDigest, deltaBytes, location }: DeltaOffer, offset: number, options: SourceOptions) {
    const blob = { digest: deltaDigest, size: deltaBytes, mediaType: BLOB_TYPE };
    const { signal } = options;
    return openBlob(this.#client(options), parseReference(location), blob, { offset, signal });
  }

  pullImage(release: Release, options: PullOptions): Promise<Image> {
    return registryReader(this.#options)(release.location!, options);
  }

  /** One client for all that is asked, since it remembers tokens. The update decides when to try again. */
  #client({ timeoutMs }: SourceOptions): RegistryClient {
    let client = this.#clients.get(timeoutMs);
    if (client === undefined) {
      client = new RegistryClient({ ...registryOptions(this.#options, timeoutMs), retry: { retries: 0 } });
      this.#clients.set(timeoutMs, client);
    }
    return client;
  }
}

/** The flat image that all deltas to one image say they lead to. */
function agreedTarget(deltas: readonly PublishedDelta[]): Digest | undefined {
  const targets = new Set(deltas.map(({ targetFlatDigest }) => targetFlatDigest));
  return targets.size === 1 ? [...targets][0] : undefined;
}

const repositoryOf = ({ host, repository }: Reference): Reference => ({ host, repository });
