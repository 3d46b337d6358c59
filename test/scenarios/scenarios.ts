import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const capturesFolder = join(import.meta.dirname, '../../captures');

/** A live recording of `captures/`: see its README. */
export interface Scenario {
  readonly name: string;
  readonly folder: string;
  /** CAPTURE arguments: a file is named after its interface, and `.in` or `.out` where it holds one direction. */
  readonly captures: readonly string[];
}

/** Captures that repeat what others of the scenario hold: a bridge's own beside those of its ports. */
const LEFT_OUT = new Set(['bridge-firewall/br0.pcap']);

export function scenarios(): Scenario[] {
  return readdirSync(capturesFolder)
    .filter((name) => existsSync(join(capturesFolder, name, 'expected')))
    .map((name) => {
      const folder = join(capturesFolder, name);
      const files = readdirSync(folder).filter(
        (file) => /\.pcap(ng)?$/.test(file) && !LEFT_OUT.has(`${name}/${file}`),
      );
      return { name, folder, captures: files.map((file) => argumentOf(folder, file)) };
    });
}

function argumentOf(folder: string, file: string): string {
  const path = join(folder, file);
  // A pcapng file names its interfaces itself.
  if (file.endsWith('.pcapng')) return path;
  const [iface, direction] = file.replace(/\.pcap$/, '').split('.');
  return `${iface}${direction === undefined ? '' : `:${direction}`}=${path}`;
}
