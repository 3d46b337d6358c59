import { Fields, parseAddress } from './fields.ts';
import type { JsonFile } from './host-file.ts';
import type { Neighbour } from './types.ts';

/** Reads `ip -j neigh show`. What has no hardware address of Ethernet's length (FAILED, INCOMPLETE) is left out. */
export function readNeighJson(file: JsonFile): Neighbour[] {
  const found: Neighbour[] = [];
  for (const { entry, index } of file.entries()) {
    const fields = new Fields(file, [index], entry);
    const dst = fields.string('dst');
    const lladdr = fields.string('lladdr');
    if (dst === undefined || lladdr === undefined) continue;
    if (!/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(lladdr)) continue;
    const family = dst.includes(':') ? 6 : 4;
    const address = parseAddress(dst, family);
    if (address === undefined) continue;
    found.push({ family, address, mac: Number.parseInt(lladdr.replaceAll(':', ''), 16) });
  }
  return found;
}
