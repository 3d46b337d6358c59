// Reads a capture with npm's pcap-parser and counts its packets: the least that any program built on it does.
import { createRequire } from 'node:module';
import process from 'node:process';

interface PcapParser {
  parse(file: string): { on(event: 'packet' | 'end' | 'error', listener: (value?: unknown) => void): void };
}

const pcapParser = createRequire(import.meta.url)('pcap-parser') as PcapParser;
let packets = 0;
const parser = pcapParser.parse(process.argv[2]!);
parser.on('packet', () => {
  packets++;
});
parser.on('error', (error) => {
  throw error;
});
parser.on('end', () => {
  process.stdout.write(`${packets}\n`);
});
