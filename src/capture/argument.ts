import { existsSync } from 'node:fs';
import { UserError } from '../base/errors.ts';

export type Direction = 'in' | 'out';

/** A CAPTURE argument: `[IFACE[:in|:out]=]FILE`. */
export interface CaptureArgument {
  readonly ifaceName: string | undefined;
  readonly direction: Direction | undefined;
  /** Path of a file or a directory; `-` for standard input. */
  readonly file: string;
}

/** IFNAMSIZ - 1, include/uapi/linux/if.h. */
const MAX_IFACE_CHARS = 15;

/**
 * Reads one CAPTURE argument. A file name may hold `=` and `:` itself: when the whole argument exists as a file
 * it is a file, and so is what stands before `=` with a `/` in it.
 */
export function parseCaptureArgument(
  text: string,
  exists: (path: string) => boolean = existsSync,
): CaptureArgument {
  if (text === '') throw new UserError('a CAPTURE argument is empty');
  const equals = text.indexOf('=');
  const plain = { ifaceName: undefined, direction: undefined, file: text };
  if (equals < 0 || text === '-' || exists(text)) return plain;
  const left = text.slice(0, equals);
  if (left.includes('/')) return plain;
  const file = text.slice(equals + 1);
  const colon = left.indexOf(':');
  const ifaceName = colon < 0 ? left : left.slice(0, colon);
  const direction = colon < 0 ? undefined : left.slice(colon + 1);
  const hint = 'write IFACE=FILE, IFACE:in=FILE or IFACE:out=FILE';
  if (file === '') throw new UserError(`${text}: no file after "="`, { hint });
  if (direction !== undefined && direction !== 'in' && direction !== 'out') {
    throw new UserError(`${text}: "${direction}" is not a direction`, { hint });
  }
  checkIfaceName(text, ifaceName, hint);
  return { ifaceName, direction, file };
}

/** dev_valid_name(), net/core/dev.c. */
function checkIfaceName(text: string, name: string, hint: string): void {
  if (name === '' || name === '.' || name === '..' || /\s/.test(name)) {
    throw new UserError(`${text}: "${name}" is not an interface name`, { hint });
  }
  if (Buffer.byteLength(name) > MAX_IFACE_CHARS) {
    throw new UserError(`${text}: interface name "${name}" is longer than ${MAX_IFACE_CHARS} characters`, {
      hint,
    });
  }
}
