/** Machines that are given batches one by one, and tables of connections that are looked into. */
import { vi } from 'vitest';
import type { Batch } from '../../src/batch/batch.ts';
import { ConntrackTable } from '../../src/conntrack/table.ts';
import type { Sent } from './short-conversations.ts';

const LINKTYPE_RAW = 101;

/** Clients are behind the first, servers behind the second. */
export const SOURCES = ['eth0', 'eth1'].map((ifaceName, index) => ({
  index,
  file: ifaceName,
  ifaceName,
  ifaceGiven: true,
  direction: 'in' as const,
  linktype: LINKTYPE_RAW,
  snaplen: 0,
  unitsPerSecond: 1_000_000_000n,
}));

export interface Arrived extends Sent {
  readonly timeNs: number;
}

/** Reads packets into a batch as a capture reader would. */
export function fillBatch(batch: Batch, packets: readonly Arrived[], firstPacket: number): void {
  const c = batch.columns;
  let at = 0;
  packets.forEach(({ bytes, timeNs, fromClient }, i) => {
    batch.data.set(bytes, at);
    c.timeNs[i] = timeNs;
    c.dataOffset[i] = at;
    c.capLen[i] = bytes.length;
    c.origLen[i] = bytes.length;
    c.source[i] = fromClient ? 0 : 1;
    c.linktype[i] = LINKTYPE_RAW;
    c.recordDirection[i] = 0;
    c.timeInvalid[i] = 0;
    at += bytes.length;
  });
  batch.count = packets.length;
  batch.firstPacket = firstPacket;
}

/** The tables of all machines that are made from now on, in their order; until vi.restoreAllMocks(). */
export function watchTables(): ConntrackTable[] {
  const tables: ConntrackTable[] = [];
  const allocate = ConntrackTable.allocate.bind(ConntrackTable);
  vi.spyOn(ConntrackTable, 'allocate').mockImplementation((capacity, arena) => {
    const table = allocate(capacity, arena);
    tables.push(table);
    return table;
  });
  return tables;
}
