import type { Family } from '../base/inet.ts';
import { allocateBatch } from '../batch/batch.ts';
import { openCaptures } from '../capture/open.ts';
import { decodeBatch } from '../decode/decode.ts';
import { DirectionStage } from '../direction/direction-stage.ts';
import { DIRECTION_IN } from '../direction/director.ts';
import { loadHost } from '../host/load.ts';
import type { SeenSource } from '../netfilter/machine.ts';
import { fillNext } from './fill.ts';

/** More addresses than this are not remembered: a scan must not fill the memory. */
const MAX_ADDRESSES = 100_000;

/**
 * Reads the captures once before the replay, when nothing is known of the host (no HOST, or one without addresses and
 * routes) and there are several interfaces: which addresses were seen as sources behind which interface is all
 * there is to say where packets go. Standard input can be read only once, so there it is left out.
 */
export async function surveySources(
  captures: readonly string[],
  host: string | undefined,
  captureInterfaces: readonly string[],
): Promise<SeenSource[]> {
  const machine = loadHost(host, { captureInterfaces });
  if (machine.guess === undefined || captures.some((argument) => argument === '-' || argument.endsWith('=-')))
    return [];
  const direction = new DirectionStage(machine, () => undefined);
  const reader = await openCaptures(captures);
  const seen = new Map<string, SeenSource>();
  let batch = allocateBatch();
  let packets = 0;
  try {
    for (;;) {
      batch = await fillNext(reader, batch);
      const { count } = batch;
      if (count === 0 || seen.size >= MAX_ADDRESSES) break;
      batch.firstPacket = packets;
      packets += count;
      decodeBatch(batch, { checksum: 'trust' });
      direction.process(batch, reader.sources);
      const c = batch.columns;
      for (let i = 0; i < count; i++) {
        const family = c.family[i]!;
        if (family === 0 || c.direction[i] !== DIRECTION_IN) continue;
        const words = [0, 1, 2, 3].map((k) => c.saddr[4 * i + k]!);
        const key = `${family} ${words.join(' ')}`;
        if (seen.has(key)) continue;
        seen.set(key, { family: family as Family, words, iface: machine.interfaces[c.ifaceId[i]!]!.name });
      }
    }
  } finally {
    reader.close();
  }
  return machine.interfaces.filter((iface) => iface !== undefined && iface.id > 0 && !iface.isLoopback)
    .length > 1
    ? [...seen.values()]
    : [];
}
