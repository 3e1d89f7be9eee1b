// A tar archive whose bytes follow from what is in it alone (POSIX.1-2017 pax, "ustar Interchange Format").

/** @typedef {{ content: Buffer, executable?: boolean }} ArchivedFile */

const BLOCK = 512;
/** GNU tar fills its records, and so does everybody who wants the same archive from it. */
const RECORD = 20 * BLOCK;

/**
 * Files of root's, in the order of their names, all of one time. Folders have no entries of their own: whoever unpacks makes
 * them. Throws a RangeError for a name that ustar cannot hold.
 * @param {ReadonlyMap<string, ArchivedFile>} files path → file
 * @param {{ readonly mtimeSeconds: number }} options of each file, since 1970
 * @returns {Buffer}
 */
export function tarOf(files, { mtimeSeconds }) {
  const names = [...files.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const blocks = names.flatMap((name) => {
    const { content, executable } = /** @type {ArchivedFile} */ (files.get(name));
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    return [
      header(name, { size: content.length, mode: executable ? 0o755 : 0o644, mtimeSeconds }),
      content,
      padding,
    ];
  });
  // Two empty blocks are the end; the rest fills the record.
  const size = blocks.reduce((sum, { length }) => sum + length, 0) + 2 * BLOCK;
  return Buffer.concat(blocks, Math.ceil(size / RECORD) * RECORD);
}

/**
 * @param {string} name
 * @param {{ size: number, mode: number, mtimeSeconds: number }} file
 */
function header(name, { size, mode, mtimeSeconds }) {
  const block = Buffer.alloc(BLOCK);
  const [prefix, rest] = split(name);
  block.write(rest, 0);
  octal(block, 100, 8, mode);
  octal(block, 108, 8, 0);
  octal(block, 116, 8, 0);
  octal(block, 124, 12, size);
  octal(block, 136, 12, mtimeSeconds);
  block.fill(' ', 148, 156);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write('root', 265);
  block.write('root', 297);
  octal(block, 329, 8, 0);
  octal(block, 337, 8, 0);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/**
 * A long name is parted at a slash; at the last that will do, as GNU tar does.
 * @param {string} name
 * @returns {[prefix: string, rest: string]}
 */
function split(name) {
  if (Buffer.byteLength(name) <= 100) return ['', name];
  for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
    const [prefix, rest] = [name.slice(0, slash), name.slice(slash + 1)];
    if (Buffer.byteLength(rest) <= 100 && rest !== '' && Buffer.byteLength(prefix) <= 155)
      return [prefix, rest];
  }
  throw new RangeError(`${name} is too long for a tar archive`);
}

/** @param {Buffer} block @param {number} at @param {number} width with the NUL that ends it @param {number} value */
function octal(block, at, width, value) {
  const digits = value.toString(8).padStart(width - 1, '0');
  if (digits.length >= width) throw new RangeError(`${value} is too large for a field of a tar archive`);
  block.write(digits, at);
}
