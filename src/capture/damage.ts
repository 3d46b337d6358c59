/** Where a capture broke. What came before was replayed. The run ends with EXIT_DAMAGED_CAPTURE. */
export interface CaptureDamage {
  readonly file: string;
  /** Offset in the file (after decompression) of the first byte that could not be used. */
  readonly byteOffset: number;
  /** Number in the file, from 1, of the packet that could not be read: as Wireshark counts packets. */
  readonly packetNumber: number;
  /** What is wrong there, without the file's name. */
  readonly message: string;
  /** It broke where it ends: amid a record. */
  readonly isCutShort: boolean;
}

/** The sentence for the user. */
export function describeDamage(damage: CaptureDamage): string {
  const { file, byteOffset, packetNumber, message } = damage;
  return `${file}: damaged at byte ${byteOffset}, packet ${packetNumber}: ${message}`;
}
