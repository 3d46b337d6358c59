import type { Batch } from '../batch/batch.ts';
import { DECODE_FRAGMENT } from '../batch/layout.ts';
import { NotSharable } from '../decode/share.ts';
import type { Host } from '../host/types.ts';

/** More than a fragment of `n` bytes and the queue it may need take up of the memory for fragments is 2 n and this. */
const MOST_OVERHEAD_BYTES = 4096;

/**
 * How many fragments a capture may have while its shares are replayed apart. A queue of fragments hears of others in two
 * ways: their memory is bounded together (ipfrag_high_thresh), and one sender's may not be too far apart
 * (ipfrag_max_dist). As long as all fragments of the capture together reach neither bound, shares need not know of each
 * other's.
 */
export class FragmentBudget {
  readonly #mostBytes: number;
  readonly #mostOfSender: number;
  readonly #bySender = new Map<string, number>();
  #bytes = 0;

  constructor(host: Host) {
    const bounds = ['net.ipv4.ipfrag_high_thresh', 'net.netfilter.nf_conntrack_frag6_high_thresh'];
    this.#mostBytes = Math.min(...bounds.map((name) => host.sysctl(name)));
    const distance = host.sysctl('net.ipv4.ipfrag_max_dist');
    this.#mostOfSender = distance > 0 ? distance : Number.POSITIVE_INFINITY;
  }

  /**
   * Counts the fragments of a dealt batch, which has those of all shares.
   * @throws NotSharable when there are too many.
   */
  note({ columns: c, count }: Batch): void {
    const { decodeFlags } = c;
    for (let i = 0; i < count; i++) {
      if ((decodeFlags[i]! & DECODE_FRAGMENT) !== 0)
        this.#add(c.saddr.subarray(4 * i, 4 * i + 4), c.length[i]!);
    }
  }

  #add(saddr: Int32Array, bytes: number): void {
    this.#bytes += 2 * bytes + MOST_OVERHEAD_BYTES;
    const sender = saddr.join(' ');
    const ofSender = (this.#bySender.get(sender) ?? 0) + 1;
    this.#bySender.set(sender, ofSender);
    if (this.#bytes > this.#mostBytes || ofSender > this.#mostOfSender)
      throw new NotSharable('a great many fragments');
  }
}
