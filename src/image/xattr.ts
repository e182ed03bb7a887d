/**
 * Extended attributes that belong to the machine and not to the image: labels of a security module, ACLs as the kernel
 * shows them, and the marks that overlayfs leaves on its layers. Two honest copies of one image differ in them.
 */
const MACHINE_NAMES = new Set(["security.selinux"]);
const MACHINE_PREFIXES = ["system.", "trusted.overlay.", "user.overlay."];

/**
 * Whether an extended attribute is part of an image, wherever it was read from.
 *
 * @param name - as a binary string ("security.capability").
 */
export function isImageXattr(name: string): boolean {
  return !MACHINE_NAMES.has(name) && !MACHINE_PREFIXES.some((prefix) => name.startsWith(prefix));
}
