import { SCTP, type SctpChunk, sctp, sctpInit } from '../packets.ts';
import { everyWay, matchCases } from './build.ts';

const data = (flags = 3): SctpChunk => ({ type: SCTP.DATA, flags, value: new Uint8Array(16) });
const chunk = (type: number, flags = 0): SctpChunk => ({ type, flags });

const PACKETS: readonly (readonly SctpChunk[])[] = [
  [{ type: SCTP.INIT, value: sctpInit(1) }],
  [{ type: SCTP.INIT_ACK, value: sctpInit(2) }],
  [chunk(SCTP.COOKIE_ECHO), data()],
  [chunk(SCTP.COOKIE_ACK)],
  [data(0)],
  [data(1)],
  [data(7)],
  [data(), data()],
  [chunk(SCTP.SACK), data()],
  [chunk(SCTP.ABORT, 1)],
  [chunk(SCTP.ABORT)],
  [chunk(SCTP.SHUTDOWN)],
  [chunk(SCTP.SHUTDOWN_COMPLETE, 1)],
  [chunk(SCTP.HEARTBEAT), chunk(SCTP.HEARTBEAT_ACK)],
  [chunk(SCTP.FORWARD_TSN)],
  [],
  // Lengths that end the walk: zero, and one beyond the packet.
  [{ type: SCTP.DATA, length: 0 }],
  [{ type: SCTP.SACK, length: 400 }],
];

export const sctpCases = () =>
  matchCases({
    name: 'sctp',
    families: [4, 6],
    matches: [
      '-p sctp -m sctp {!}--sport 5060',
      '-p sctp -m sctp {!}--dport 1:100',
      '-p sctp -m sctp {!}--chunk-types any INIT',
      '-p sctp -m sctp {!}--chunk-types any DATA,SACK',
      '-p sctp -m sctp {!}--chunk-types all DATA,SACK',
      '-p sctp -m sctp {!}--chunk-types only DATA,SACK',
      '-p sctp -m sctp {!}--chunk-types only DATA',
      '-p sctp -m sctp {!}--chunk-types any DATA:Be',
      '-p sctp -m sctp {!}--chunk-types all DATA:BE',
      '-p sctp -m sctp {!}--chunk-types only DATA:U',
      '-p sctp -m sctp {!}--chunk-types any ABORT:T',
      '-p sctp -m sctp {!}--chunk-types any SHUTDOWN_COMPLETE:t',
      '-p sctp -m sctp {!}--chunk-types any NONE',
      '-p sctp -m sctp {!}--chunk-types all ALL',
      '-p sctp -m sctp {!}--sport 5060 {!}--chunk-types any HEARTBEAT',
    ],
    packets: (family) => [
      ...PACKETS.flatMap((chunks) => everyWay(family, sctp({ sport: 5060, dport: 80, vtag: 1, chunks }))),
      ...everyWay(family, sctp({ sport: 1, dport: 101, chunks: [data()] })),
      ...everyWay(family, sctp({ sport: 1, dport: 1, chunks: [data()], checksum: 'bad' })),
    ],
  });
