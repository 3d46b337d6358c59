import type { Readable } from 'node:stream';
import { UserError } from '../base/errors.ts';
import { type CaptureArgument, parseCaptureArgument } from './argument.ts';
import type { CaptureDamage } from './damage.ts';
import { filesIn, isDirectory, isRegularFile } from './directory.ts';
import { CaptureInput } from './input.ts';
import { Merge, type MergeEntry } from './merge.ts';
import { CaptureReader } from './reader.ts';
import { SourceTable } from './source.ts';

export interface OpenOptions {
  /** What `-` reads; process.stdin unless told. */
  readonly stdin?: Readable;
  /** Nanoseconds that are added to the time stamps of an interface, by its name: before captures are merged. */
  readonly skews?: ReadonlyMap<string, bigint>;
}

/** A capture that was opened to learn its first packet's time. */
interface Probed {
  readonly argument: CaptureArgument;
  /** Undefined when it has no packet with a time stamp. */
  readonly firstTimeNs: bigint | undefined;
  readonly isEmpty: boolean;
  readonly fileBytesTotal: number | undefined;
  /** Still open: it is the only one, or cannot be opened twice (standard input, a pipe). */
  readonly input: CaptureInput | undefined;
}

/**
 * Opens all CAPTURE arguments (`[IFACE[:in|:out]=]FILE`; a FILE may be a directory of captures) as one reader.
 * What is damaged is listed in `reader.damage`; a UserError says what cannot be replayed at all.
 */
export async function openCaptures(
  args: readonly string[],
  options: OpenOptions = {},
): Promise<CaptureReader> {
  const opener = new Opener(options.stdin ?? process.stdin, options.skews);
  try {
    return await opener.open(args.map((text) => parseCaptureArgument(text)));
  } catch (error) {
    opener.close();
    throw error;
  }
}

class Opener {
  readonly #stdin: Readable;
  readonly #table: SourceTable;
  readonly #damage: CaptureDamage[] = [];
  /** Inputs that stay open. */
  readonly #kept: CaptureInput[] = [];

  constructor(stdin: Readable, skews: ReadonlyMap<string, bigint> | undefined) {
    this.#stdin = stdin;
    this.#table = new SourceTable(skews);
  }

  async open(given: readonly CaptureArgument[]): Promise<CaptureReader> {
    if (given.length === 0)
      throw new UserError('no CAPTURE given', { hint: 'write at least one [IFACE[:in|:out]=]FILE' });
    if (given.filter(({ file }) => file === '-').length > 1) {
      throw new UserError('standard input can be read only once: "-" is given twice');
    }
    const only = given.length === 1 && !isDirectory(given[0]!.file);
    const probed: Probed[] = [];
    for (const argument of given) {
      if (isDirectory(argument.file)) probed.push(...(await this.#probeDirectory(argument)));
      else probed.push((await this.#probe(argument, only || !isRegularFile(argument.file)))!);
    }
    const baseNs = earliest(probed) ?? 0n;
    const total = sum(probed.map(({ fileBytesTotal }) => fileBytesTotal));
    const from = only ? probed[0]!.input! : this.#merge(probed, baseNs);
    if (from instanceof CaptureInput) from.setClock(baseNs);
    return new CaptureReader(from, { baseNs }, this.#table.sources, this.#damage, total);
  }

  close(): void {
    for (const input of this.#kept) input.close();
  }

  /** Captures of a directory in the order of their first packets; what is no capture is left out. */
  async #probeDirectory(argument: CaptureArgument): Promise<Probed[]> {
    const probed: Probed[] = [];
    for (const file of filesIn(argument.file)) {
      const one = await this.#probe({ ...argument, file }, false, true);
      if (one !== undefined) probed.push(one);
    }
    if (probed.length === 0) {
      throw new UserError(`${argument.file}: no capture file in this directory`, {
        hint: 'files are told by their content: pcap or pcapng, plain or compressed with gzip or zstd',
      });
    }
    return probed.sort((a, b) => compare(a.firstTimeNs ?? -1n, b.firstTimeNs ?? -1n));
  }

  async #probe(argument: CaptureArgument, keep: boolean, onlyCaptures = false): Promise<Probed | undefined> {
    const found: CaptureDamage[] = [];
    const input = await CaptureInput.open(argument, this.#table, this.#stdin, (damage) => {
      // A kept input goes on reporting: everything it says belongs to the run.
      (keep ? this.#damage : found).push(damage);
    });
    if (keep) this.#kept.push(input);
    try {
      await input.probe();
    } finally {
      if (!keep) input.close();
    }
    if (onlyCaptures && !input.isCapture) return undefined;
    this.#damage.push(...found);
    const { firstTimeNs, fileBytesTotal } = input;
    return { argument, firstTimeNs, isEmpty: input.isEmpty, fileBytesTotal, input: keep ? input : undefined };
  }

  #merge(probed: readonly Probed[], baseNs: bigint): Merge {
    const entries = probed
      .filter(({ isEmpty }) => !isEmpty)
      .map(({ argument, firstTimeNs, input }): MergeEntry => {
        const firstNs = firstTimeNs === undefined ? Number.NEGATIVE_INFINITY : Number(firstTimeNs - baseNs);
        const open = async (): Promise<CaptureInput> => {
          const opened = input ?? (await this.#reopen(argument));
          opened.setClock(baseNs);
          return opened;
        };
        return { firstNs, open };
      });
    return new Merge(entries);
  }

  #reopen(argument: CaptureArgument): Promise<CaptureInput> {
    return CaptureInput.open(argument, this.#table, this.#stdin, (damage) => this.#damage.push(damage));
  }
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

function earliest(probed: readonly Probed[]): bigint | undefined {
  return probed
    .map(({ firstTimeNs }) => firstTimeNs)
    .reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined);
}

function sum(bytes: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const count of bytes) {
    if (count === undefined) return undefined;
    total += count;
  }
  return total;
}
