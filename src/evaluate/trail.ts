/**
 * What one packet leaves behind on its way through the rules: the counters it hit, in order, who decided, and
 * whether its way may stand for other packets of its connection. One object for a run, reset for each packet.
 */
export class Trail {
  /** Counter ids in the order they were hit. */
  hits = new Int32Array(256);
  count = 0;
  /** Counter id of the rule or policy that ended the last table run, -1 when none has. */
  decider = -1;
  /**
   * Set when a match or target was evaluated whose answer depends on more than the path key holds: the way is
   * this packet's own.
   */
  unsharable = false;
  /** DEPENDS_* of compile/dependence.ts: what the compiled evaluator has found the way to depend on. */
  depends = 0;
  /** skb->len at the start of the way. */
  startLength = 0;
  /** Bytes to add to counters beyond the start length, where a target has changed the packet's length. */
  private extraBytes: Map<number, number> | undefined;

  reset(length: number): void {
    this.count = 0;
    this.decider = -1;
    this.unsharable = false;
    this.depends = 0;
    this.startLength = length;
  }

  /** A rule or policy counter is hit by a packet of `length` bytes. */
  hit(counter: number, length: number): void {
    if (this.count === this.hits.length) {
      const grown = new Int32Array(2 * this.count);
      grown.set(this.hits);
      this.hits = grown;
    }
    this.hits[this.count++] = counter;
    if (length !== this.startLength) this.addExtra(counter, length - this.startLength);
  }

  private addExtra(counter: number, bytes: number): void {
    // TCPMSS may make a packet longer; the counters behind it count the longer one.
    this.unsharable = true;
    this.extraBytes ??= new Map();
    this.extraBytes.set(counter, (this.extraBytes.get(counter) ?? 0) + bytes);
  }

  /** Adds what `hit` noted beyond the start lengths. */
  expandExtra(bytes: Float64Array): void {
    for (const [counter, extra] of this.extraBytes ?? []) bytes[counter]! += extra;
  }
}
