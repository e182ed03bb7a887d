import type { ByteWriter } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import { integerBytes, putInteger, type SectionReader } from "./integer.ts";

const NEAR_COUNT = 4;
const SAME_COUNT = 3 * 256;

const SELF = 0;
const HERE = 1;
const FIRST_NEAR = 2;
const FIRST_SAME = FIRST_NEAR + NEAR_COUNT;

/** The address caches of RFC 3284, section 5.3, with the sizes of the default code table. A window begins with empty ones. */
export class AddressCache {
  readonly #near = new Float64Array(NEAR_COUNT);
  readonly #same = new Float64Array(SAME_COUNT);
  #next = 0;

  #update(address: number): void {
    this.#near[this.#next] = address;
    this.#next = (this.#next + 1) % NEAR_COUNT;
    this.#same[address % SAME_COUNT] = address;
  }

  /**
   * Read the address of a COPY.
   *
   * @param here - the address that the COPY's first byte will have.
   * @throws {@link FormatError} `CORRUPT_BODY` when nothing is there yet.
   */
  read(addresses: SectionReader, mode: number, here: number): number {
    let address: number;
    if (mode === SELF) address = addresses.integer();
    else if (mode === HERE) address = here - addresses.integer();
    else if (mode < FIRST_SAME) address = this.#near[mode - FIRST_NEAR]! + addresses.integer();
    else address = this.#same[(mode - FIRST_SAME) * 256 + addresses.u8()]!;
    if (address < 0 || address >= here) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        `VCDIFF: expected a COPY from an address below ${here}, found one from ${address}`,
      );
    }
    this.#update(address);
    return address;
  }

  /**
   * Write the address of a COPY in the shortest form.
   *
   * @returns the mode that tells its form.
   */
  write(addresses: ByteWriter, address: number, here: number): number {
    const slot = address % SAME_COUNT;
    let mode = SELF;
    let value = address;
    if (this.#same[slot] === address) {
      mode = FIRST_SAME + Math.floor(slot / 256);
      addresses.u8(slot % 256);
    } else {
      if (integerBytes(here - address) < integerBytes(value)) {
        mode = HERE;
        value = here - address;
      }
      for (let i = 0; i < NEAR_COUNT; i++) {
        const distance = address - this.#near[i]!;
        if (distance >= 0 && integerBytes(distance) < integerBytes(value)) {
          mode = FIRST_NEAR + i;
          value = distance;
        }
      }
      putInteger(addresses, value);
    }
    this.#update(address);
    return mode;
  }
}
