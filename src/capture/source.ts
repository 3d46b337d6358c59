import { EXIT_LIMITS, UserError } from '../base/errors.ts';
import type { Direction } from './argument.ts';
import { describeLinktype, isSupportedLinktype, supportedLinktypes } from './linktype.ts';

/** One origin of packets: a capture file, or one interface block of a pcapng file. The `source` column names it. */
export interface CaptureSource {
  /** Value of the `source` column: sources are numbered from 0 in the order they are met. */
  readonly index: number;
  /** The file as it is shown to the user; `-` for standard input. */
  readonly file: string;
  /** From the argument, else the interface block's if_name, else undefined. */
  readonly ifaceName: string | undefined;
  /** True when `ifaceName` was given in the argument. */
  readonly ifaceGiven: boolean;
  /** From the argument. */
  readonly direction: Direction | undefined;
  /** LINKTYPE_ value without the bits for the frame check sequence. */
  readonly linktype: number;
  /** Bytes that were kept of each packet at most; 0 when the file sets no limit. */
  readonly snaplen: number;
  /** Time stamp units in a second: 1_000_000n, 1_000_000_000n, or what if_tsresol says. */
  readonly unitsPerSecond: bigint;
}

/** The `source` column has 16 bits. */
const MAX_SOURCES = 0xffff;

/** All sources of a run. One that is met again (a file read twice, a repeated interface block) keeps its number. */
export class SourceTable {
  readonly sources: CaptureSource[] = [];
  readonly #indexByKey = new Map<string, number>();
  readonly #skews: ReadonlyMap<string, bigint>;

  /** `skews`: nanoseconds to be added to the time stamps of an interface, by its name. */
  constructor(skews: ReadonlyMap<string, bigint> = new Map()) {
    this.#skews = skews;
  }

  skewNs(ifaceName: string | undefined): bigint {
    return (ifaceName === undefined ? undefined : this.#skews.get(ifaceName)) ?? 0n;
  }

  register(source: Omit<CaptureSource, 'index'>): number {
    const { file, ifaceName, ifaceGiven, direction, linktype, snaplen, unitsPerSecond } = source;
    const key = JSON.stringify([
      file,
      ifaceName,
      ifaceGiven,
      direction,
      linktype,
      snaplen,
      `${unitsPerSecond}`,
    ]);
    const known = this.#indexByKey.get(key);
    if (known !== undefined) return known;
    const index = this.sources.length;
    if (index > MAX_SOURCES) {
      throw new UserError(`${file}: more than ${MAX_SOURCES + 1} capture files and interfaces in one run`, {
        exitStatus: EXIT_LIMITS,
        hint: 'merge the files first (mergecap), or replay them in several runs',
      });
    }
    this.sources.push({ index, ...source });
    this.#indexByKey.set(key, index);
    return index;
  }
}

/** Refuses a link type whose packets cannot be replayed. */
export function requireLinktype(linktype: number, file: string, ifaceName: string | undefined): void {
  if (isSupportedLinktype(linktype)) return;
  const where = ifaceName === undefined ? file : `${file}, interface ${ifaceName}`;
  throw new UserError(`${where}: link type ${describeLinktype(linktype)} cannot be replayed`, {
    hint: `link types that can: ${supportedLinktypes()}`,
  });
}
