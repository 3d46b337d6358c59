import type { Command } from '../base/measure.ts';
import { benchProgram, compileC, has } from '../base/programs.ts';
import type { ReaderOptions } from './row.ts';

/** A reader without the capture it reads. */
export type Other = Pick<ReaderOptions, 'name' | 'label' | 'command' | 'counts'>;

const FILTER = 'tcp port 80';

/** tcpdump's cheapest pass with a filter; undefined where it is not installed. */
export function tcpdump(): Other | undefined {
  if (!has('tcpdump')) return undefined;
  return {
    name: 'tcpdump',
    label: `tcpdump -nr FILE -w /dev/null '${FILTER}'`,
    command: ([file]) => ['tcpdump', '-nr', file!, '-w', '/dev/null', FILTER],
  };
}

/** A loop of C over libpcap, without and with the filter; empty where it cannot be compiled. */
export function libpcapLoops(dir: string): Other[] {
  const program = compileC('pcap-loop', dir, '-lpcap');
  if (program === undefined) return [];
  return [
    {
      name: 'libpcap',
      label: 'libpcap loop in C, no filter',
      command: ([file]) => [program, file!],
      counts: true,
    },
    {
      name: 'libpcap-filter',
      label: `libpcap loop in C, '${FILTER}'`,
      command: ([file]) => [program, file!, FILTER],
    },
  ];
}

export const pcapParser: Other = {
  name: 'pcap-parser',
  label: 'npm pcap-parser, reading only',
  command: ([file]) => [
    process.execPath,
    '--no-deprecation',
    benchProgram('replay/pcap-parser-count.js'),
    file!,
  ],
  counts: true,
};

/** Reading alone; undefined where there is no dd. */
export function readBlocks(): Other | undefined {
  if (!has('dd')) return undefined;
  return {
    name: 'read-blocks',
    label: 'reading in blocks of 1 MiB (dd)',
    command: ([file]) => ['dd', `if=${file}`, 'of=/dev/null', 'bs=1M'],
  };
}

/** The pipeline up to one of its stages. */
export function stage(name: 'read' | 'decode' | 'verify', label: string): Other {
  const command = ([file]: readonly string[]): Command => [
    process.execPath,
    benchProgram('replay/up-to-stage.js'),
    name,
    file!,
  ];
  return { name, label, command, counts: true };
}

/** tshark on the first packets; undefined where it is not installed. */
export function tshark(packets: number): Other | undefined {
  if (!has('tshark')) return undefined;
  return {
    name: 'tshark',
    label: `tshark -c ${packets.toLocaleString('en')} -Y 'tcp.port == 80'`,
    command: ([file]) => [
      'tshark',
      '-nr',
      file!,
      '-c',
      `${packets}`,
      '-Y',
      'tcp.port == 80',
      '-w',
      '/dev/null',
    ],
  };
}
