// Many files as one: a tar archive that is put together while it is read, and takes no memory.

/** A file with its place below the folder that was chosen. @typedef {{path: string, file: File}} ChosenFile */

const BLOCK = 512;
const LONGEST_NAME = 100;
const LINK = "././@LongLink";
const utf8 = new TextEncoder();

/** @param {Uint8Array} name @param {number} size @param {"0" | "L"} type a file, or a long name of the next one */
function headerOf(name, size, type) {
  const block = new Uint8Array(BLOCK);
  /** @param {string} text @param {number} at */
  const write = (text, at) => block.set(utf8.encode(text), at);
  block.set(name.subarray(0, LONGEST_NAME));
  write("0000644\0" + "0000000\0" + "0000000\0", 100);
  write(`${size.toString(8).padStart(11, "0")}\0` + "00000000000\0", 124);
  write(" ".repeat(8) + type, 148); // the checksum counts as blanks while it is made
  write("ustar\0" + "00", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

const paddingOf = (/** @type {number} */ size) => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

/** @param {ChosenFile[]} chosen @returns {Blob} */
export function tarOf(chosen) {
  /** @type {BlobPart[]} */
  const parts = [];
  for (const { path, file } of chosen) {
    const name = utf8.encode(path);
    if (name.length > LONGEST_NAME) {
      const size = name.length + 1; // with the zero that ends it
      parts.push(headerOf(utf8.encode(LINK), size, "L"), name, new Uint8Array(1), paddingOf(size));
    }
    parts.push(headerOf(name, file.size, "0"), file, paddingOf(file.size));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return new Blob(parts);
}
