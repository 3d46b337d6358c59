import { libpcapLoops, pcapParser, readBlocks, tcpdump, tshark } from '../replay/others.ts';
import type { Group } from '../replay/rounds.ts';
import { type Reference, readerRow } from '../replay/row.ts';
import { checkSoundness } from '../replay/soundness.ts';
import { FULL_FRAMES, NORMAL } from '../scene/profiles.ts';
import { type Bench, type GroupPlan, SHAPE_PROFILES } from './bench.ts';

/** A thousand rules, and what others do with the same file. */
export const beside: GroupPlan = {
  name: 'beside',
  profiles: [NORMAL],
  make: async (bench) => {
    const { scene } = bench;
    const capture = bench.capture(NORMAL);
    const sound = await checkSoundness(scene, NORMAL, capture);
    const { rows: others, reference, notes } = readers(bench, NORMAL);
    const rows = bench.oursByWorkers(NORMAL, capture, reference);
    for (const profile of SHAPE_PROFILES.slice(1)) {
      const label = `iptables-replay, ${profile.what}`;
      const { workers } = sound;
      rows.push(bench.ours({ name: profile.name, label, reference, capture, profile, workers }));
    }
    rows.push(...others);
    const packets = Math.min(bench.options.tsharkPackets, capture.spec.packets);
    const shark = tshark(packets);
    if (shark === undefined) notes.push('tshark is not installed');
    else rows.push(readerRow({ ...shark, reference, capture, packets, measuresStart: false }));
    const title = `1,000 rules (ACL, established rule in front), and what others do with the same file (x ${reference.row}, whole processes)`;
    return { name: 'beside', title, rows, notes: [sound.text, ...notes] };
  },
};

/** Whole frames, which have to be summed up and, before all, read. */
export const fullFrames: GroupPlan = {
  name: 'full-frames',
  profiles: [FULL_FRAMES],
  make: async (bench): Promise<Group> => {
    const capture = bench.capture(FULL_FRAMES);
    const sound = await checkSoundness(bench.scene, FULL_FRAMES, capture);
    const { rows: others, reference, notes } = readers(bench, FULL_FRAMES);
    const rows = [...bench.oursByWorkers(FULL_FRAMES, capture, reference), ...others];
    const mean = Math.round(capture.bytes / capture.spec.packets) - 16;
    const title = `Full-size frames, ${mean} bytes on average, checksums verified (x ${reference.row}, whole processes)`;
    return { name: 'full-frames', title, rows, notes: [sound.text, ...notes] };
  },
};

/** All other programs that are there; tcpdump is the reference where it is. */
function readers(bench: Bench, profile: typeof NORMAL) {
  const notes: string[] = [];
  const dump = tcpdump();
  const loops = libpcapLoops(bench.scene.options.dir);
  const blocks = readBlocks();
  if (dump === undefined) notes.push('tcpdump is not installed: pcap-parser is the reference');
  if (loops.length === 0) notes.push('no libpcap loop: there is no C compiler, or no pcap.h');
  if (blocks === undefined) notes.push('dd is not installed');
  const reference: Reference = { row: (dump ?? pcapParser).name, basis: 'whole' };
  const rows = bench.others(bench.capture(profile), [dump, ...loops, blocks, pcapParser], reference);
  return { rows, reference, notes };
}
