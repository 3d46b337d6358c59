import { fromArrow } from 'arquero';
import { describe, expect, test } from 'vitest';
import { verdictsWriter } from '../../src/report/verdicts.ts';
import { CONTEXT, makeBatch, PACKETS } from './batches.ts';

class MemorySink {
  readonly pieces: Buffer[] = [];

  write(bytes: Uint8Array): void {
    this.pieces.push(Buffer.from(bytes));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

function written(format: 'csv' | 'jsonl' | 'arrow', batchSizes: readonly number[]): Buffer {
  const sink = new MemorySink();
  const writer = verdictsWriter(format, sink, CONTEXT);
  let at = 0;
  for (const size of batchSizes) {
    writer.write(makeBatch(PACKETS.slice(at, at + size), at));
    at += size;
  }
  writer.finish();
  return sink.bytes;
}

describe('--verdicts', () => {
  test('CSV', () => {
    expect(written('csv', [6]).toString()).toMatchInlineSnapshot(`
      "number,time,file,in,out,direction,family,proto,saddr,daddr,sport,dport,icmp_type,icmp_code,length,ctstate,ct_reason,outcome,reason,hook,table,chain,rule,rule_text
      1,1700000000.999999000,eth0.pcap,eth0,,in,4,tcp,192.0.2.10,192.0.2.1,40000,22,,,60,NEW,,dropped,,INPUT,filter,INPUT,3,"-A INPUT -p tcp -m comment --comment ""a, b"" -j DROP"
      2,1700000001.000000000,eth0.pcap,eth0,,in,6,udp,2001:db8::1,ff02::fb,5353,5353,,,88,INVALID,bad checksum,dropped,,INPUT,filter,INPUT,0,-P INPUT DROP
      3,1700000002.499999001,"lo, ""quoted"".pcap",,lo,out,4,icmp,127.0.0.1,127.0.0.1,,,8,0,84,ESTABLISHED,,looped,,INPUT,,,,
      4,1700000002.999999000,eth0.pcap,,eth1,out,4,tcp,198.51.100.2,192.0.2.10,22,40000,,,60,,,echo,,,,,,
      5,,eth0.pcap,,,,,,,,,,,,42,,,not-ip,,,,,,
      6,1700000003.999999000,eth0.pcap,eth0,,in,4,esp,10.0.0.1,10.0.0.2,,,,,60,,,stack,no-route,,,,,
      "
    `);
  });

  test('JSON lines hold the same, and each line is JSON', () => {
    const lines = written('jsonl', [6]).toString().trimEnd().split('\n');
    const rows = lines.map((line) => JSON.parse(line));
    expect(rows[0]).toMatchInlineSnapshot(`
      {
        "chain": "INPUT",
        "ct_reason": null,
        "ctstate": "NEW",
        "daddr": "192.0.2.1",
        "direction": "in",
        "dport": 22,
        "family": 4,
        "file": "eth0.pcap",
        "hook": "INPUT",
        "icmp_code": null,
        "icmp_type": null,
        "in": "eth0",
        "length": 60,
        "number": 1,
        "out": null,
        "outcome": "dropped",
        "proto": "tcp",
        "reason": null,
        "rule": 3,
        "rule_text": "-A INPUT -p tcp -m comment --comment "a, b" -j DROP",
        "saddr": "192.0.2.10",
        "sport": 40000,
        "table": "filter",
        "time": "1700000000.999999000",
      }
    `);
    expect(rows[4].time).toBeNull();
    expect(rows[4].length).toBe(42);
    expect(rows.map((row) => row.outcome)).toEqual([
      'dropped',
      'dropped',
      'looped',
      'echo',
      'not-ip',
      'stack',
    ]);
  });

  test('how packets fall into batches does not matter', () => {
    expect(written('csv', [1, 2, 3])).toEqual(written('csv', [6]));
    expect(written('jsonl', [4, 2])).toEqual(written('jsonl', [6]));
  });

  test('an Arrow file of several record batches says the same as JSON lines', () => {
    const rows = written('jsonl', [6])
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const table = fromArrow(written('arrow', [2, 3, 1]), { useBigInt: true });
    expect(table.columnNames()).toEqual(Object.keys(rows[0]));
    expect(table.numRows()).toBe(6);
    rows.forEach((row, i) => {
      for (const [name, value] of Object.entries(row)) {
        const cell = table.get(name, i);
        if (name === 'time') continue;
        expect(typeof cell === 'bigint' ? Number(cell) : cell, `${name} of row ${i}`).toEqual(value);
      }
    });
  });

  test('time stamps in Arrow are exact nanoseconds', () => {
    const bytes = written('arrow', [6]);
    const table = fromArrow(bytes, { useDate: false, useBigInt: true });
    // flechette gives timestamps as milliseconds; the 64-bit values themselves are looked for in the file.
    const value = Buffer.alloc(8);
    value.writeBigInt64LE(CONTEXT.baseNs + 1_500_000_001n);
    expect(bytes.includes(value)).toBe(true);
    expect(table.get('time', 4)).toBeNull();
  });
});
