/**
 * As much of FlatBuffers (https://flatbuffers.dev/internals) as Arrow's metadata needs. A buffer is built from its
 * end towards its beginning, so that an offset always points to what was written before; positions are counted
 * from the end.
 */
export class FlatBuffer {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  /** Bytes written, all at the end of `bytes`. */
  private used = 0;
  private slots: number[] = [];
  private tableEnd = 0;

  private grow(): void {
    const grown = new Uint8Array(2 * this.bytes.length);
    grown.set(this.bytes, this.bytes.length);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Makes room for `size` bytes and pads so that they begin at a multiple of `alignment`, counted from the end. */
  private prepare(size: number, alignment: number): void {
    const padding = (alignment - ((this.used + size) % alignment)) % alignment;
    while (this.used + padding + size > this.bytes.length) this.grow();
    this.used += padding;
  }

  private get at(): number {
    return this.bytes.length - this.used;
  }

  int8(value: number): void {
    this.prepare(1, 1);
    this.used += 1;
    this.view.setInt8(this.at, value);
  }

  int16(value: number): void {
    this.prepare(2, 2);
    this.used += 2;
    this.view.setInt16(this.at, value, true);
  }

  int32(value: number): void {
    this.prepare(4, 4);
    this.used += 4;
    this.view.setInt32(this.at, value, true);
  }

  int64(value: number): void {
    this.prepare(8, 8);
    this.used += 8;
    this.view.setBigInt64(this.at, BigInt(value), true);
  }

  /** A reference to what ends at position `target`. */
  offset(target: number): void {
    this.prepare(4, 4);
    this.used += 4;
    this.view.setUint32(this.at, this.used - target, true);
  }

  string(text: string): number {
    const encoded = Buffer.from(text, 'utf8');
    // Padding goes behind the text: the length word must stand right before it, aligned.
    this.prepare(encoded.length + 1, 4);
    this.used += encoded.length + 1;
    this.bytes.set(encoded, this.at);
    this.bytes[this.at + encoded.length] = 0;
    this.int32(encoded.length);
    return this.used;
  }

  offsets(targets: readonly number[]): number {
    this.prepare(4 * targets.length, 4);
    for (let i = targets.length - 1; i >= 0; i--) this.offset(targets[i]!);
    this.int32(targets.length);
    return this.used;
  }

  /** A vector of structs of 8-byte alignment; `write` writes one, its last field first. */
  structs<T>(items: readonly T[], structBytes: number, write: (item: T) => void): number {
    this.prepare(structBytes * items.length, 8);
    for (let i = items.length - 1; i >= 0; i--) write(items[i]!);
    this.int32(items.length);
    return this.used;
  }

  beginTable(): void {
    this.slots = [];
    this.tableEnd = this.used;
  }

  /** Field number `slot` of the table being written: call after `beginTable`, once a field. */
  field(slot: number, write: () => void): void {
    write();
    this.slots[slot] = this.used;
  }

  endTable(): number {
    this.int32(0);
    const table = this.used;
    const { slots } = this;
    for (let slot = slots.length - 1; slot >= 0; slot--) {
      const position = slots[slot];
      this.int16(position === undefined ? 0 : table - position);
    }
    this.int16(table - this.tableEnd);
    this.int16(4 + 2 * slots.length);
    // The table begins with the distance to its vtable, which stands before it.
    this.view.setInt32(this.bytes.length - table, this.used - table, true);
    return table;
  }

  /** The finished buffer; its length is a multiple of 8. */
  finish(root: number): Uint8Array {
    this.prepare(4, 8);
    this.offset(root);
    return this.bytes.slice(this.at);
  }
}
