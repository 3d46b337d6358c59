/**
 * The kernel as the judge (design: "How we know it is right").
 *
 * A case is a host, rulesets and packets, as plain data. `judge` says what the counters of the Linux kernel are
 * after the packets: asked of the running kernel where that is possible (root, Linux, the tools), and read from
 * the recordings in `recorded/` elsewhere. Where both exist they are compared, so that a recording can never
 * silently differ from the kernel; RECORD=1 in the environment rewrites the recordings from the kernel.
 *
 * The work is done by judge.py, since Node has neither ioctl nor raw sockets; one process judges many cases.
 */

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPaced, type Paced, say, settle } from './paced.ts';

export type Backend = 'legacy' | 'nft';

export interface Interface {
  /** As `ip link` names it. `lo` always exists and is not listed. */
  readonly name: string;
  /** 'tun' (the default) and 'tap' can be written to by packets; the others hang on those. */
  readonly type?: 'tun' | 'tap' | 'vlan' | 'bridge' | 'dummy';
  /** TAP and bridge: the hardware address. Give one, the kernel would draw one at random. */
  readonly mac?: string;
  /** TUN and TAP: 65521 when absent, which is more than any packet of a case. */
  readonly mtu?: number;
  /** VLAN: the interface below, and the tag. */
  readonly link?: string;
  readonly id?: number;
  /** The bridge that this interface is a port of. */
  readonly master?: string;
  /** false: the interface is left down. */
  readonly up?: boolean;
}

export interface Host {
  readonly interfaces: readonly Interface[];
  /** Words of `ip address add`: '192.0.2.1/24 dev eth0'. IPv4 networks get their broadcast address, IPv6 no DAD. */
  readonly addresses?: readonly string[];
  /** Words of `ip route add`; the IPv6 default is written '::/0 via …'. */
  readonly routes?: readonly string[];
  /** Words of `ip neigh add`, for TAP: '192.0.2.9 lladdr 02:00:00:00:00:09 dev eth0'. */
  readonly neighbours?: readonly string[];
  /** Words of `ip rule add`. */
  readonly rules?: readonly string[];
  /** Further whole lines for `ip -batch`. */
  readonly ip?: readonly string[];
  /**
   * Set last. Beyond the kernel's defaults every case has: forwarding on for both families, rp_filter 0, no
   * duplicate address detection, no link-local addresses but the listed ones.
   */
  readonly sysctls?: Readonly<Record<string, string | number>>;
}

export interface CasePacket {
  /** Where it arrives. For 'out' only the scope of a link-local or multicast IPv6 destination. */
  readonly iface: string;
  /** 'in': arrives on `iface`; 'out': made by this host, through OUTPUT. Loopback traffic is 'out'. */
  readonly dir: 'in' | 'out';
  /** The L3 packet; on a TAP the Ethernet frame. */
  readonly hex: string;
  /** Seconds since the start; without it, as fast as possible. */
  readonly at?: number;
  /** TUN: the protocol that the link layer announces, where it is not what the version nibble says. */
  readonly protocol?: number;
  /** 'out': SO_MARK and SO_BINDTODEVICE of the sending socket. */
  readonly mark?: number;
  readonly bind?: string;
}

export interface Case {
  /** Unique within a suite, stable for ever: 'tcp/dport-range/hit'. */
  readonly id: string;
  /** Absent: the shared default host of cases/hosts.ts is NOT assumed; such a host has lo alone. */
  readonly host: Host;
  readonly rules4?: string;
  readonly rules6?: string;
  readonly ipset?: string;
  readonly packets: readonly CasePacket[];
  /** Words of `nfct add timeout`, carried out before the rules are loaded. */
  readonly timeouts?: readonly string[];
  /** Names of accounting objects (-m nfacct), made before the rules are loaded. */
  readonly accounting?: readonly string[];
  /** Load the rulesets with their counters (`-c`). */
  readonly counters?: boolean;
  /** Record every packet that leaves by a device, with the number of the packet that caused it. */
  readonly capture?: boolean;
  /** Record what conntrack says of packets that it makes nothing of, with the number of the packet. */
  readonly logInvalid?: boolean;
  /** After these packets (by number) list the connections. */
  readonly between?: readonly number[];
  /** false: do not list the connections at the end (13 ms). */
  readonly conntrack?: boolean;
  /** List what conntrack helpers expect at the end. */
  readonly expectations?: boolean;
  /** The value of conntrack's `-o`; 'extended' when absent. */
  readonly conntrackOptions?: string;
  /** Files of /proc to read at the end, such as /proc/net/xt_recent/DEFAULT. */
  readonly files?: readonly string[];
  /** Only this back end knows the case, or the two differ and the case is of one. */
  readonly backend?: Backend;
  /** What differs from run to run (a random port, a random number) and is then not compared with the recording. */
  readonly varies?: readonly ('counters' | 'conntrack' | 'output')[];
}

export interface Refusal {
  /** What was refused: 'rules4', 'rules6', 'ipset', 'ip', 'sysctl …'. */
  readonly step: string;
  readonly status: number;
  readonly stderr: string;
}

export interface Result {
  readonly id: string;
  /** A step that was not accepted; nothing was played then. */
  readonly refused?: Refusal;
  /**
   * `iptables-save -c` and `ip6tables-save -c` where the case has rules of the family; without the comments, and the
   * tables in the order raw, mangle, nat, filter, security (legacy prints the last one made first).
   */
  readonly save4?: string;
  readonly save6?: string;
  /** `conntrack -L -o extended` of both families, sorted, words separated by one blank. */
  readonly conntrack?: readonly string[];
  /** `conntrack -L expect` of both families, sorted, without the seconds that are left. */
  readonly expectations?: readonly string[];
  /** `ipset save -sorted`, where the case has sets. */
  readonly ipset?: string;
  /** [number of the packet that caused it, interface, the packet], where the case says `capture`. */
  readonly output?: readonly (readonly [number, string, string])[];
  /** `nfct list timeout`, where the case has timeout policies. */
  readonly timeouts?: string;
  /** [number of the packet, what nf_conntrack_log_invalid said of it], where the case says `logInvalid`. */
  readonly invalid?: readonly (readonly [number, string])[];
  /** Packets that the system call refused: EPERM is a drop in OUTPUT, ENETUNREACH no route. */
  readonly errors?: Readonly<Record<string, string>>;
  readonly between?: Readonly<Record<string, readonly string[]>>;
  readonly files?: Readonly<Record<string, string>>;
  /** The machine was too busy to keep the pace of the case, time and again: the result may be off. */
  readonly late?: boolean;
}

export interface Judged {
  /** What the engine is to be compared with. */
  readonly result: Result;
  readonly source: 'kernel' | 'recording';
  /**
   * Where the running kernel differs from the recording: empty when they agree, or one of them is missing. A case with
   * times that differs in every play is judged by its recording, which is said, and has no drift.
   */
  readonly drift: readonly string[];
}

export interface CheckCase {
  readonly id: string;
  readonly rules4?: string;
  readonly rules6?: string;
  readonly ipset?: string;
  /** As of Case. */
  readonly accounting?: readonly string[];
  readonly counters?: boolean;
}

export interface RestoreResult {
  readonly status: number;
  readonly stderr: string;
  readonly stdout?: string;
  /** What `-save -c` prints afterwards, as Result.save4; absent when the restore failed. */
  readonly save?: string;
}

export interface CheckResult {
  readonly id: string;
  readonly v4?: RestoreResult;
  readonly v6?: RestoreResult;
  readonly ipset?: { readonly status: number; readonly stderr: string };
}

export interface JudgeOptions {
  readonly backend?: Backend;
  /** The recording: recorded/<suite>.<backend>.json. */
  readonly suite: string;
}

/** A recorded result, and the digest of the case that it is the result of. */
type Entry<R> = ({ readonly of: string } & R) | AsLegacy;

/** Recorded for nft where its answer is the one recorded for legacy, as it nearly always is. */
interface AsLegacy {
  readonly of: string;
  readonly as: 'legacy';
}

interface Recording<R> {
  readonly kernel: string;
  readonly iptables: string;
  readonly results: Record<string, Entry<R>>;
}

interface Answer<R> {
  readonly kernel: string;
  readonly iptables: string;
  readonly results: readonly (R & { readonly fault?: string })[];
}

const here = import.meta.dirname;
const recordedFolder = join(here, 'recorded');
const recording = process.env.RECORD === '1';

/** Timeouts run down while the judge works: it may take this long from a packet to the listing. */
const TIMEOUT_TOLERANCE_SECONDS = 3;

const NEEDED_TOOLS = [
  'iptables-legacy-restore',
  'iptables-nft-restore',
  'ip6tables-legacy-restore',
  'ipset',
  'conntrack',
  'nft',
  'ip',
  'python3',
];

let available: boolean | undefined;

/** Whether the running kernel can be asked: Linux, root, the tools. JUDGE=off in the environment says no. */
export function isJudgeAvailable(): boolean {
  available ??=
    process.env.JUDGE !== 'off' &&
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    existsSync('/dev/net/tun') &&
    spawnSync('sh', ['-c', `for tool in ${NEEDED_TOOLS.join(' ')}; do command -v $tool || exit 1; done`])
      .status === 0;
  return available;
}

/** What the kernel's answers to the cases are, by case id. Cases of the other back end are left out. */
export async function judge(cases: readonly Case[], options: JudgeOptions): Promise<Map<string, Judged>> {
  const backend = options.backend ?? 'legacy';
  const own = cases.filter((one) => (one.backend ?? backend) === backend);
  return consult<Case, Result>(own, 'play', backend, options.suite, differences);
}

/** What restore says to rulesets, and what save then prints, by case id. */
export async function restoreCheck(
  cases: readonly CheckCase[],
  options: JudgeOptions,
): Promise<Map<string, { result: CheckResult; source: 'kernel' | 'recording'; drift: readonly string[] }>> {
  return consult<CheckCase, CheckResult>(
    cases,
    'check',
    options.backend ?? 'legacy',
    options.suite,
    (_one, a, b) =>
      canonical(a) === canonical(b) ? [] : [`recorded ${canonical(a)}`, `kernel   ${canonical(b)}`],
  );
}

/** Asks the running kernel alone: nothing is read from or written to the recordings. */
export async function askKernel(cases: readonly Case[], backend: Backend = 'legacy'): Promise<Result[]> {
  return (await spawnJudge<Result>('play', backend, cases)).results.map(withoutNoise);
}

/**
 * What `compare` finds in the running kernel's answers, of all cases together: for cases that have no recording. One
 * with times is asked for again while it is late or differs; if it never came in time that is said, and it counts for
 * nothing. An error when that is so of more than half of the cases.
 */
export async function disagreements(
  cases: readonly Case[],
  compare: (one: Case, answer: Result, number: number) => string[],
): Promise<string[]> {
  const settled = await settle(cases, askKernel, (one, answer, number) => {
    if (answer.refused !== undefined) throw new Error(`${one.id}: ${JSON.stringify(answer.refused)}`);
    return answer.late === true ? ['late'] : compare(one, answer, number);
  });
  const late = cases.filter((_one, number) => settled[number]!.answer.late === true);
  for (const { id } of late) say(id, ['late'], 'it is passed over');
  if (late.length > cases.length / 2)
    throw new Error(`the machine is too busy to play ${late.length} cases in time`);
  return settled.flatMap(({ answer, doubts }) => (answer.late === true ? [] : doubts));
}

export async function askRestore(
  cases: readonly CheckCase[],
  backend: Backend = 'legacy',
): Promise<CheckResult[]> {
  return [...(await spawnJudge<CheckResult>('check', backend, cases)).results];
}

/** The files of a HOST folder (design, section 3) that the running kernel gives for these hosts, in their order. */
export async function askHosts(hosts: readonly Host[]): Promise<Record<string, string>[]> {
  const cases = hosts.map((host, number) => ({ id: String(number), host, packets: [], describe: true }));
  const answer = await spawnJudge<Result & { host?: Record<string, string> }>('play', 'legacy', cases);
  return answer.results.map((result) => {
    if (result.host === undefined) throw new Error(`no such host: ${JSON.stringify(result)}`);
    return result.host;
  });
}

async function consult<C extends { readonly id: string }, R extends { readonly id: string }>(
  cases: readonly C[],
  mode: 'play' | 'check',
  backend: Backend,
  suite: string,
  compare: (one: C, recorded: R, live: R) => string[],
): Promise<Map<string, { result: R; source: 'kernel' | 'recording'; drift: readonly string[] }>> {
  const file = recordingFile(suite, backend);
  const recorded = readRecording<R>(file);
  const legacy = backend === 'nft' ? readRecording<R>(recordingFile(suite, 'legacy')) : undefined;
  const judged = new Map<string, { result: R; source: 'kernel' | 'recording'; drift: readonly string[] }>();
  const ids = new Set(cases.map((one) => one.id));
  if (ids.size !== cases.length) throw new Error(`two cases of the suite '${suite}' have the same id`);
  const look = (one: C, where: Recording<R> | undefined): R | undefined => {
    const entry = where?.results[one.id];
    if (entry === undefined || entry.of !== digest(one)) return undefined;
    return 'as' in entry ? look(one, legacy) : withId<R>(one.id, entry);
  };
  const known = (one: C) => look(one, recorded);
  if (!isJudgeAvailable()) {
    for (const one of cases) {
      const result = known(one);
      if (result === undefined) {
        throw new Error(
          `case '${one.id}': no recording of this content in ${file}, and no kernel to ask; ` +
            'run the tests as root on Linux with RECORD=1 to record it',
        );
      }
      judged.set(one.id, { result, source: 'recording', drift: [] });
    }
    return judged;
  }
  let versions: Pick<Answer<R>, 'kernel' | 'iptables'> | undefined;
  const played = cases.map((one) => ({ one, packets: (one as Partial<Paced>).packets ?? [] }));
  const settled = await settle(
    played,
    async (some) => {
      const answer = await spawnJudge<R>(
        mode,
        backend,
        some.map(({ one }) => one),
      );
      versions = answer;
      return answer.results.map(withoutNoise);
    },
    ({ one }, live) => {
      if ('late' in live) return ['late'];
      const old = known(one);
      return old === undefined || recording ? [] : compare(one, old, live);
    },
  );
  const entries: [string, Entry<R>][] = [];
  for (const [number, one] of cases.entries()) {
    const { answer: live, doubts } = settled[number]!;
    const old = known(one);
    if (doubts.length > 0 && isPaced(played[number]!)) {
      if (old === undefined)
        throw new Error(`case '${one.id}' could not be played in time, and has no recording`);
      say(one.id, doubts, 'its recording is taken');
      judged.set(one.id, { result: old, source: 'recording', drift: [] });
      entries.push([one.id, recorded!.results[one.id]!]);
      continue;
    }
    judged.set(one.id, { result: live, source: 'kernel', drift: doubts });
    // An unchanged answer keeps its old wording, so that recording again makes no difference to look at.
    const kept = old !== undefined && compare(one, old, live).length === 0 ? old : live;
    const twin = look(one, legacy);
    entries.push(
      twin !== undefined && compare(one, twin, live).length === 0
        ? [one.id, { of: digest(one), as: 'legacy' }]
        : [one.id, { of: digest(one), ...withoutId(kept) } as Entry<R>],
    );
  }
  if (recording) {
    const { kernel, iptables } = versions!;
    writeRecording(file, { kernel, iptables, results: Object.fromEntries(entries) });
  }
  return judged;
}

function spawnJudge<R>(
  mode: 'play' | 'check',
  backend: Backend,
  cases: readonly unknown[],
): Promise<Answer<R>> {
  return new Promise((resolve, reject) => {
    const child = spawn('python3', [join(here, 'judge.py')], { stdio: ['pipe', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', reject);
    child.on('close', (status) => {
      if (status !== 0) {
        reject(new Error(`judge.py ended with ${status}: ${Buffer.concat(errors).toString()}`));
        return;
      }
      const answer = JSON.parse(Buffer.concat(output).toString()) as Answer<R>;
      const faulty = answer.results.filter((result) => result.fault !== undefined);
      if (faulty.length > 0) {
        reject(new Error(`the judge failed on ${faulty.length} cases, first ${JSON.stringify(faulty[0])}`));
        return;
      }
      resolve(answer);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify({ mode, backend, cases }));
  });
}

/** Where two answers to a case differ, in words; what a case says varies, and the running down of timeouts, aside. */
export function differences(one: Pick<Case, 'varies'>, recorded: Result, live: Result): string[] {
  const found: string[] = [];
  const varies = new Set(one.varies);
  const compare = (what: string, a: unknown, b: unknown) => {
    const [left, right] = [canonical(a), canonical(b)];
    if (left !== right) found.push(`${what}: recorded ${left}, kernel ${right}`);
  };
  compare('refused', recorded.refused, live.refused);
  compare('errors', recorded.errors, live.errors);
  compare('ipset', recorded.ipset, live.ipset);
  if (!varies.has('counters')) {
    compare('save4', recorded.save4, live.save4);
    compare('save6', recorded.save6, live.save6);
  }
  compare('invalid', recorded.invalid, live.invalid);
  if (!varies.has('output')) compare('output', recorded.output, live.output);
  if (!varies.has('conntrack')) {
    compareConntrack('conntrack', recorded.conntrack, live.conntrack, found);
    compare('expectations', recorded.expectations, live.expectations);
    const snapshots = new Set([...Object.keys(recorded.between ?? {}), ...Object.keys(live.between ?? {})]);
    for (const at of snapshots) {
      compareConntrack(`conntrack after packet ${at}`, recorded.between?.[at], live.between?.[at], found);
    }
  }
  return found;
}

function compareConntrack(
  what: string,
  recorded: readonly string[] | undefined,
  live: readonly string[] | undefined,
  found: string[],
): void {
  if (!sameConntrack(recorded ?? [], live ?? [])) {
    found.push(`${what}: recorded ${canonical(recorded)}, kernel ${canonical(live)}`);
  }
}

/** One line of `conntrack -L -o extended`: the remaining seconds apart from the rest. */
export function splitConntrackLine(line: string): { timeoutSeconds: number | undefined; rest: string } {
  // "ipv4 2 tcp 6 431999 ESTABLISHED src=…": the timeout is the fifth word, and missing on dying entries.
  const words = line.split(' ');
  const timeout = words[4] ?? '';
  if (!/^\d+$/.test(timeout)) return { timeoutSeconds: undefined, rest: line };
  words.splice(4, 1);
  return { timeoutSeconds: Number(timeout), rest: words.join(' ') };
}

/** Whether two listings show the same connections, with timeouts that differ by little. */
export function sameConntrack(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  const order = (lines: readonly string[]) =>
    lines.map(splitConntrackLine).sort((x, y) => (x.rest < y.rest ? -1 : x.rest > y.rest ? 1 : 0));
  const [left, right] = [order(a), order(b)];
  return left.every((one, i) => {
    const other = right[i]!;
    if (one.rest !== other.rest) return false;
    return Math.abs((one.timeoutSeconds ?? 0) - (other.timeoutSeconds ?? 0)) <= TIMEOUT_TOLERANCE_SECONDS;
  });
}

function recordingFile(suite: string, backend: Backend): string {
  return join(recordedFolder, `${suite}.${backend}.json`);
}

/** A counter of a dump: of a rule, or of the policy of a chain. */
export interface Counter {
  readonly table: string;
  readonly chain: string;
  /** From 1 within the chain; 0 is the policy. */
  readonly rule: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  /** The line without the counter. */
  readonly text: string;
}

/**
 * The counters of a dump (`-save -c`), in its order: what two dumps must agree in when they write the same rule in
 * different words, as the two back ends do.
 */
export function counters(save: string): Counter[] {
  const found: Counter[] = [];
  const rules = new Map<string, number>();
  let table = '';
  for (const line of save.split('\n')) {
    if (line.startsWith('*')) {
      table = line.slice(1);
      rules.clear();
    }
    const policy = /^:(\S+) (\S+) \[(\d+):(\d+)\]$/.exec(line);
    if (policy !== null && policy[2] !== '-') {
      const [, chain, verdict, packets, bytes] = policy;
      const text = `${chain} ${verdict}`;
      found.push({ table, chain: chain!, rule: 0, packets: BigInt(packets!), bytes: BigInt(bytes!), text });
    }
    const rule = /^\[(\d+):(\d+)\] -A (\S+)/.exec(line);
    if (rule !== null) {
      const [, packets, bytes, chain] = rule;
      const number = (rules.get(chain!) ?? 0) + 1;
      rules.set(chain!, number);
      const text = line.slice(line.indexOf('-A'));
      found.push({
        table,
        chain: chain!,
        rule: number,
        packets: BigInt(packets!),
        bytes: BigInt(bytes!),
        text,
      });
    }
  }
  return found;
}

function readRecording<R>(file: string): Recording<R> | undefined {
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as Recording<R>;
}

/** One line a case, in the order of their ids: what changes is seen at a glance. */
function writeRecording<R>(file: string, content: Recording<R>): void {
  const lines = Object.keys(content.results)
    .sort()
    .map((id) => `${JSON.stringify(id)}:${JSON.stringify(content.results[id])}`);
  mkdirSync(recordedFolder, { recursive: true });
  const { kernel, iptables } = content;
  writeFileSync(
    file,
    `{"kernel":${JSON.stringify(kernel)},"iptables":${JSON.stringify(iptables)},"results":{\n${lines.join(',\n')}\n}}\n`,
  );
}

/** A short name for the content of a case: a recording is good for this content only. */
export function digest(one: unknown): string {
  return createHash('sha256').update(canonical(one)).digest('hex').slice(0, 12);
}

/** JSON with the keys of every object in order. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part: unknown) =>
      part !== null && typeof part === 'object' && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? 'nothing'
  );
}

function withId<R>(id: string, entry: { readonly of: string } & R): R {
  const { of: _of, ...rest } = entry;
  return { id, ...rest } as unknown as R;
}

function withoutId<R extends { readonly id: string }>(result: R): Omit<R, 'id'> {
  const { id: _id, ...rest } = result;
  return rest;
}

/** The result without how long it took. */
function withoutNoise<R>(result: R & { ms?: number; fault?: string }): R {
  const { ms: _ms, ...rest } = result;
  return rest as R;
}
