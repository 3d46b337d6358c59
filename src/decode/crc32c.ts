/** CRC-32C (Castagnoli, RFC 9260 appendix A), reflected. */
const POLYNOMIAL = 0x82f63b78;

/** Tables for four bytes at a time: TABLES[256 * k + b] is the CRC of byte b followed by k zero bytes. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256]!;
    tables[i] = (before >>> 8) ^ tables[before & 255]!;
  }
  return tables;
}

/** CRC-32C (unsigned) of data[at, at + bytes), with the four bytes at `zeroed` (4-byte steps from `at`) taken as zero. */
export function crc32c(view: DataView, at: number, bytes: number, zeroed = -1): number {
  const end = at + bytes;
  let crc = -1;
  for (; at + 4 <= end; at += 4) {
    crc ^= at === zeroed ? 0 : view.getInt32(at, true);
    crc =
      TABLES[768 + (crc & 255)]! ^
      TABLES[512 + ((crc >>> 8) & 255)]! ^
      TABLES[256 + ((crc >>> 16) & 255)]! ^
      TABLES[crc >>> 24]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ TABLES[(crc ^ view.getUint8(at)) & 255]!;
  return ~crc >>> 0;
}
