import type { ElementTable } from './element-table.ts';
import { timeoutAfter } from './extensions.ts';
import { SetFault, syntaxError } from './fault.ts';
import { parseBigNumber, parseNumber } from './number-text.ts';
import type { SetOptions } from './types.ts';

/** Extensions that an `add` gives to its elements: struct ip_set_ext. */
export interface ElementExtensions {
  timeoutSeconds: number | undefined;
  packets: number;
  bytes: number;
  skbmark: number;
  skbmarkmask: number;
  skbprio: number;
  skbqueue: number;
  nomatch: boolean;
  /** list:set: the set that this one is to stand before or after. */
  before: string | undefined;
  after: string | undefined;
}

/** Longest timeout that ipset takes: IPSET_MAX_TIMEOUT of user space. */
export const MAX_TIMEOUT = 2147483;

const MAX_U64 = 0xffffffffffffffffn;

export function noExtensions(): ElementExtensions {
  return {
    timeoutSeconds: undefined,
    packets: 0,
    bytes: 0,
    skbmark: 0,
    skbmarkmask: 0,
    skbprio: 0,
    skbqueue: 0,
    nomatch: false,
    before: undefined,
    after: undefined,
  };
}

/** Reads one option of an `add`; false when there is no such extension. `value` gives its argument. */
export function readExtension(
  ext: ElementExtensions,
  name: string,
  value: () => string,
  options: SetOptions,
): boolean {
  switch (name) {
    case 'timeout':
      ext.timeoutSeconds = parseNumber(value(), 0, MAX_TIMEOUT);
      need(options.timeoutSeconds !== undefined, 'Timeout', 'timeout', name);
      return true;
    case 'packets':
    case 'bytes':
      ext[name] = Number(parseBigNumber(value(), 0n, MAX_U64));
      need(options.counters, 'Packet/byte counters', 'counter', name);
      return true;
    case 'comment':
      value();
      need(options.comment, 'Comment', 'comment', name);
      return true;
    case 'skbmark':
      readSkbmark(ext, value());
      need(options.skbinfo, 'Skbinfo mapping', 'skbinfo', name);
      return true;
    case 'skbprio':
      readSkbprio(ext, value());
      need(options.skbinfo, 'Skbinfo mapping', 'skbinfo', name);
      return true;
    case 'skbqueue':
      ext.skbqueue = parseNumber(value(), 0, 0xffff);
      need(options.skbinfo, 'Skbinfo mapping', 'skbinfo', name);
      return true;
    default:
      return false;
  }
}

function need(has: boolean, what: string, support: string, word: string): void {
  if (has) return;
  throw new SetFault(`${what} cannot be used: set was created without ${support} support`, { word });
}

/** `0xMARK` or `0xMARK/0xMASK`: hexadecimal, the mask all ones when not given. */
function readSkbmark(ext: ElementExtensions, text: string): void {
  const match = /^0x([0-9a-fA-F]{1,8})(?:\/0x([0-9a-fA-F]{1,8}))?$/.exec(text);
  if (match === null) {
    syntaxError(
      'Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)',
      'Both are hexadecimal: 0x1f.',
    );
  }
  ext.skbmark = Number.parseInt(match[1]!, 16) | 0;
  ext.skbmarkmask = match[2] === undefined ? -1 : Number.parseInt(match[2], 16) | 0;
}

/** `MAJOR:MINOR`, hexadecimal. */
function readSkbprio(ext: ElementExtensions, text: string): void {
  const match = /^([0-9a-fA-F]{1,4}):([0-9a-fA-F]{1,4})$/.exec(text);
  if (match === null) {
    syntaxError('Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)', 'Both are hexadecimal.');
  }
  ext.skbprio = (Number.parseInt(match[1]!, 16) << 16) | Number.parseInt(match[2]!, 16);
}

/** Writes them into an element. Timeouts run from the time 0 of the clock on: the first packet of the run. */
export function storeExtensions(
  table: ElementTable,
  place: number,
  ext: ElementExtensions,
  options: SetOptions,
): void {
  table.packets[place] = ext.packets;
  table.bytes[place] = ext.bytes;
  table.skbmark[place] = ext.skbmark;
  table.skbmarkmask[place] = ext.skbmarkmask;
  table.skbprio[place] = ext.skbprio;
  table.skbqueue[place] = ext.skbqueue;
  table.nomatch[place] = ext.nomatch ? 1 : 0;
  if (options.timeoutSeconds === undefined) return;
  table.timeoutAt[place] = timeoutAfter(0, ext.timeoutSeconds ?? options.timeoutSeconds);
}
