/**
 * zstd data made by the `zstd` tool, so that runtimes without a zstd encoder can test decoding. The content is a layer
 * of a folder `etc` and a file `etc/motd`:
 *
 *     mkdir etc; printf 'hello from a zstd layer\n%.0s' $(seq 40) > etc/motd
 *     tar --format=ustar --sort=name --mtime=@1700000000 --owner=0 --group=0 --numeric-owner \
 *       --mode=u=rwX,go=rX -b 1 -cf layer.tar etc
 *     zstd -19 --check layer.tar -o layer.tar.zst
 *     { head -c 1000 layer.tar | zstd -19 --check; printf '\x5a\x2a\x4d\x18\x03\x00\x00\x00abc'
 *       tail -c +1001 layer.tar | zstd -19 --no-check; } > two-frames.zst
 */
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

export const ZSTD_LAYER = {
  bytes: fromBase64(
    "KLUv/WQAC20DADJFEBGg7Qb8I35LqBq0yY1UqYiJMgugoqdxkrHyYffg4teaYuctN0Z0lySf23/hkXEu4R3jF9+/b0wP0mK/hJhv" +
      "QFIFECCQl1aLATzEX1B6qwFGhV4DupbJAVaQjgLwGUw6wdSBAQliCjCe3BuJJeNK",
  ),
  contentBytes: 3072,
  contentDigest: "sha256:8c96205379d66397db5469e60053dc68d5bb61fc17fe1172bace1c0232bf7124",
};

/** The same content in two frames, one with a checksum, and a skippable frame between them. */
export const ZSTD_TWO_FRAMES = fromBase64(
  "KLUv/QRolQIA0sMLEKCrA3RFt1LVwOz9k+r/7TKDljMFYkFuqX6Zce2VgI7x4j6eiYOg6CUk/xuOSwENIICZYxxIavFwcLSGBrSA" +
    "dArAMxjpBKkZAxLADk9GCyuzhWxaKk0YAwAAAGFiYyi1L/0AaD0BANAAaGVsbG8gZnJvbSBhIHpzdGQgbGF5ZXIKAAMAPLi/oPTO" +
    "atRACA==",
);
