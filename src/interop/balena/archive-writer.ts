import { encodeUtf8 } from "../../bytes/index.ts";
import { type CountingSink, countingSink, type Sink } from "../../io/index.ts";
import { encodeOuterHeader, TAR_BLOCK_BYTES } from "../../transform/index.ts";

const END_BYTES = 2 * TAR_BLOCK_BYTES;

/** `repo:tag` in the grammar of engines, the host before it included. */
const LOADABLE_NAME = /^[a-z0-9][a-z0-9._:/-]*:[\w][\w.-]{0,127}$/u;

/** The names of an image that an engine takes: it refuses the whole archive for one that it does not, such as an OCI layout's bare tag. */
export function loadableNames(references: readonly string[]): string[] {
  return references.filter((name) => LOADABLE_NAME.test(name));
}

/** Zeros up to the next block. */
export function paddingOf(sizeBytes: number): Uint8Array {
  return new Uint8Array((TAR_BLOCK_BYTES - (sizeBytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

/** The end of a tar; alone the tar without entries, which is the empty layer. */
export function endOfTar(): Uint8Array {
  return new Uint8Array(END_BYTES);
}

/** Writes a docker-archive in order, as `docker load` takes it. */
export class DockerArchiveWriter {
  readonly #sink: CountingSink;
  readonly #names = new Set<string>();
  readonly #layers: string[] = [];

  constructor(sink: Sink) {
    this.#sink = countingSink(sink);
  }

  get bytesWritten(): number {
    return this.#sink.bytesWritten;
  }

  async #member(name: string, sizeBytes: number, fill: (sink: Sink) => Promise<void>): Promise<void> {
    await this.#sink.write(encodeOuterHeader(name, sizeBytes));
    const start = this.#sink.bytesWritten;
    await fill(this.#sink);
    const written = this.#sink.bytesWritten - start;
    if (written !== sizeBytes) throw new RangeError(`${name}: expected ${sizeBytes} bytes, got ${written}`);
    await this.#sink.write(paddingOf(sizeBytes));
  }

  /**
   * Add the next layer. One that was added before is not written again.
   *
   * @param fill - writes the layer's tar, `sizeBytes` of it.
   */
  async addLayer(diffId: string, sizeBytes: number, fill: (sink: Sink) => Promise<void>): Promise<void> {
    const name = `${hexOf(diffId)}.tar`;
    this.#layers.push(name);
    if (this.#names.has(name)) return;
    this.#names.add(name);
    await this.#member(name, sizeBytes, fill);
  }

  /** Add the config and the manifest, and end the archive. */
  async finish(id: string, config: Uint8Array, references: readonly string[]): Promise<void> {
    const configName = `${hexOf(id)}.json`;
    await this.#member(configName, config.length, (sink) => sink.write(config));
    const image = {
      Config: configName,
      RepoTags: references.length === 0 ? null : references,
      Layers: this.#layers,
    };
    const manifest = encodeUtf8(JSON.stringify([image]));
    await this.#member("manifest.json", manifest.length, (sink) => sink.write(manifest));
    await this.#sink.write(endOfTar());
  }
}

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1);
}
