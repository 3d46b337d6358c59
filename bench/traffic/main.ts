import { closeSync, openSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { fileSink } from './capture-writer.loop.ts';
import { headerBytes } from './frame.loop.ts';
import {
  DEFAULT_TRAFFIC,
  generateTraffic,
  PROFILES,
  type Profile,
  type TrafficOptions,
} from './generate.loop.ts';
import { writeHostFolder } from './host-folder.ts';
import { PROTO_TCP } from './packet-spec.ts';

const USAGE = `usage: traffic [options] FILE     (- is standard output)

  --packets N     ${DEFAULT_TRAFFIC.packets}
  --flows N       ${DEFAULT_TRAFFIC.flows} (mixed)
  --frame BYTES   ${DEFAULT_TRAFFIC.frameBytes}: a frame that carries data; LEAST-MOST: evenly distributed
  --snap BYTES    captured bytes of a frame at most; all by default
  --seed N        ${DEFAULT_TRAFFIC.seed}
  --ipv6 SHARE    ${DEFAULT_TRAFFIC.ipv6}: share of flows, 0 to 1
  --profile NAME  ${PROFILES.join(', ')}
  --rate N        ${DEFAULT_TRAFFIC.packetsPerSecond} packets a second
  --pcapng        instead of classic pcap
  --nanoseconds   time stamps of that resolution
  --both-sides    each packet on its way out, too
  --host DIR      also write the HOST folder of the router they were captured on
`;

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      packets: { type: 'string' },
      flows: { type: 'string' },
      frame: { type: 'string' },
      snap: { type: 'string' },
      seed: { type: 'string' },
      ipv6: { type: 'string' },
      profile: { type: 'string' },
      rate: { type: 'string' },
      pcapng: { type: 'boolean' },
      nanoseconds: { type: 'boolean' },
      'both-sides': { type: 'boolean' },
      host: { type: 'string' },
    },
  });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new Error('one FILE is needed');
  const number = (text: string | undefined, otherwise: number): number => {
    const value = text === undefined ? otherwise : Number(text);
    if (!Number.isFinite(value) || value < 0) throw new Error(`${text} is not a number`);
    return value;
  };
  const profile = values.profile ?? DEFAULT_TRAFFIC.profile;
  if (!PROFILES.includes(profile as Profile)) throw new Error(`${profile} is none of ${PROFILES.join(', ')}`);
  const [least, most] = (values.frame ?? `${DEFAULT_TRAFFIC.frameBytes}`).split('-');
  const options: TrafficOptions = {
    packets: number(values.packets, DEFAULT_TRAFFIC.packets),
    flows: Math.max(1, number(values.flows, DEFAULT_TRAFFIC.flows)),
    leastFrameBytes: number(least, 0),
    frameBytes: number(most ?? least, 0),
    snapBytes: number(values.snap, DEFAULT_TRAFFIC.snapBytes),
    seed: number(values.seed, DEFAULT_TRAFFIC.seed),
    ipv6: number(values.ipv6, DEFAULT_TRAFFIC.ipv6),
    profile: profile as Profile,
    packetsPerSecond: number(values.rate, DEFAULT_TRAFFIC.packetsPerSecond),
    pcapng: values.pcapng === true,
    nanoseconds: values.nanoseconds === true,
    bothSides: values['both-sides'] === true,
  };
  const headers = headerBytes(options.ipv6 > 0 ? 6 : 4, PROTO_TCP, false);
  if (options.leastFrameBytes < headers || options.frameBytes < options.leastFrameBytes)
    throw new Error(`--frame ${values.frame}: headers alone take ${headers} bytes`);
  if (values.host !== undefined) writeHostFolder(values.host);
  const fd = file === '-' ? 1 : openSync(file, 'w');
  const { packets, conversations } = generateTraffic(options, [fileSink(fd)]);
  if (fd !== 1) closeSync(fd);
  process.stderr.write(`${packets} packets, ${conversations} conversations\n`);
}

try {
  main();
} catch (error) {
  // Whoever reads has seen enough.
  if ((error as NodeJS.ErrnoException).code !== 'EPIPE') {
    process.stderr.write(`traffic: ${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
  }
}
