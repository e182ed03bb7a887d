/**
 * In the place of \@noble/hashes in what is bundled for Node.
 *
 * @module
 */

/** Called where `node:crypto` is missing: in a Node that was built without it. */
export const sha256 = {
  create(): never {
    throw new Error("expected a Node with node:crypto, this one was built without it");
  },
};
