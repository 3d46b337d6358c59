import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { UserError } from '../base/errors.ts';
import type { ReplayConfig } from '../workers/config.ts';
import {
  type ClockSkew,
  clockSkew,
  defaultWorkers,
  hostDirectory,
  inputFile,
  MAX_SEED,
  MAX_WORKERS,
  oneOf,
  outputFile,
  type VerdictsRequest,
  verdictsFile,
  type WritePcapRequest,
  wholeNumber,
  writePcap,
} from './values.ts';

/** What commander hands to an action, by the long option names. */
export interface ReplayOptions {
  readonly host?: string;
  readonly rules?: string;
  readonly rules6?: string;
  readonly ipset?: string;
  readonly conntrack?: string;
  readonly clockSkew?: readonly ClockSkew[];
  readonly midstream: ReplayConfig['midstream'];
  readonly checksum: ReplayConfig['checksum'];
  readonly onUnsupported: ReplayConfig['onUnsupported'];
  readonly evaluator: ReplayConfig['evaluator'];
  readonly workers?: number;
  readonly seed: number;
  readonly keepCounters?: boolean;
  readonly quiet?: boolean;
  readonly progress: boolean;
}

/** Options that everything that replays will have: run now; trace, diff and order later. */
export function addReplayOptions(command: Command): Command {
  const option = (flags: string, description: string) => new Option(flags, description);
  return command
    .optionsGroup('The machine:')
    .addOption(
      option('--host <dir>', 'what the machine says of itself (see `snapshot`)').argParser(hostDirectory),
    )
    .addOption(
      option('--rules <file>', 'iptables-save dump, in place of the one in HOST').argParser(
        inputFile('--rules'),
      ),
    )
    .addOption(option('--rules6 <file>', 'ip6tables-save dump, likewise').argParser(inputFile('--rules6')))
    .addOption(option('--ipset <file>', '`ipset save` dump, likewise').argParser(inputFile('--ipset')))
    .addOption(
      option('--conntrack <file>', 'connections that stood before the capture').argParser(
        inputFile('--conntrack'),
      ),
    )
    .optionsGroup('The replay:')
    .addOption(
      option('--midstream <kernel|established>', 'connections whose beginning is not in the capture')
        .argParser(oneOf('--midstream', ['kernel', 'established']))
        .default('kernel'),
    )
    .addOption(
      option(
        '--clock-skew <iface=seconds>',
        'put the time stamps of an interface forward, before captures are merged (repeatable)',
      ).argParser(collect(clockSkew)),
    )
    .addOption(
      option('--checksum <auto|verify|trust>', 'which checksums are believed')
        .argParser(oneOf('--checksum', ['auto', 'verify', 'trust']))
        .default('auto'),
    )
    .addOption(onUnsupportedOption())
    .addOption(
      option(
        '--workers <n>',
        'threads (default: one a processor, none for small captures); the answer never depends on it',
      ).argParser(wholeNumber('--workers', 0, MAX_WORKERS)),
    )
    .addOption(
      option('--seed <n>', 'seed of `statistic --mode random`')
        .argParser(wholeNumber('--seed', 0, MAX_SEED))
        .default(0),
    )
    .addOption(
      option('--evaluator <linear|compiled>', 'how rules are evaluated; same answer')
        .argParser(oneOf('--evaluator', ['linear', 'compiled']))
        .default('compiled')
        .hideHelp(),
    );
}

export function onUnsupportedOption(): Option {
  return new Option(
    '--on-unsupported <error|never-match>',
    'rules with an extension that this program does not know',
  )
    .argParser(oneOf('--on-unsupported', ['error', 'never-match']))
    .default('error');
}

/** Options of the command line contract that this version cannot serve: refused by name rather than unknown. */
const NOT_YET = ['--filter <expr>'];

export function addOptionsNotYet(command: Command): Command {
  for (const flags of NOT_YET) {
    const name = flags.split(' ')[0]!;
    const refuse = () => {
      throw new UserError(`${name} is not part of this version yet`, {
        hint: 'filter the capture first, for instance `tcpdump -r FILE -w - EXPR | iptables-replay run -`',
      });
    };
    command.addOption(new Option(flags).argParser(refuse).hideHelp());
  }
  return command;
}

/** Where output goes. */
export interface OutputOptions {
  readonly format: OutputFormat;
  readonly save?: string;
  readonly save6?: string;
  readonly conntrackSave?: string;
  readonly conntrackTable?: boolean;
  readonly verdicts?: VerdictsRequest;
  readonly writePcap?: readonly WritePcapRequest[];
  readonly html?: string;
  readonly table?: readonly string[];
  readonly chain?: readonly string[];
  readonly hit?: boolean;
  readonly summary: boolean;
  readonly profile?: boolean;
}

export const OUTPUT_FORMATS = ['text', 'json', 'csv', 'arrow'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

const TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'] as const;

export function addOutputOptions(command: Command): Command {
  const option = (flags: string, description: string) => new Option(flags, description);
  return command
    .optionsGroup('The report on standard output:')
    .addOption(
      option('--format <text|json|csv|arrow>', 'how the report is written')
        .argParser(oneOf('--format', OUTPUT_FORMATS))
        .default('text'),
    )
    .addOption(option('--keep-counters', 'start from the counters in the dump instead of zero'))
    .addOption(option('--conntrack-table', 'json: also list the connections that stand at the end'))
    .addOption(
      option('--table <table>', 'text: only this table (repeatable)').argParser(
        collect(oneOf('--table', TABLES)),
      ),
    )
    .addOption(
      option('--chain <chain>', 'text: only this chain; * stands for any characters (repeatable)').argParser(
        collect((text) => text),
      ),
    )
    .addOption(option('--hit', 'text: only rules that were hit'))
    .addOption(option('--no-summary', 'text: only the listing, as iptables -L prints it'))
    .addOption(
      option('--profile', 'text, json: also where the time went: stages, threads, tables, rules (slower)'),
    )
    .addOption(option('--no-progress', 'no progress bar (there is none without a terminal)'))
    .addOption(option('--quiet', 'no progress bar, warnings or notes on standard error'))
    .optionsGroup('More output:')
    .addOption(
      option('--save <file>', 'what `iptables-save -c` would print afterwards').argParser(
        outputFile('--save'),
      ),
    )
    .addOption(
      option('--save6 <file>', 'what `ip6tables-save -c` would print').argParser(outputFile('--save6')),
    )
    .addOption(
      option(
        '--conntrack-save <file>',
        'the connections that stand at the end, as `conntrack -L -o extended` prints them; --conntrack takes them',
      ).argParser(outputFile('--conntrack-save')),
    )
    .addOption(
      option('--verdicts <file>', 'one row a packet: .csv, .jsonl or .arrow').argParser(verdictsFile),
    )
    .addOption(
      option(
        '--write-pcap <verdict=file>',
        'pcapng of the packets with that verdict, each with the rule that decided (repeatable)',
      ).argParser(collect(writePcap)),
    )
    .addOption(
      option('--html <file>', 'the report as one self-contained page').argParser(outputFile('--html')),
    );
}

/** Makes an option repeatable: the values so far and the new one. */
function collect<T>(
  read: (text: string) => T,
): (text: string, before: readonly T[] | undefined) => readonly T[] {
  return (text, before) => [...(before ?? []), read(text)];
}

/** The engine's configuration out of the options. */
export function replayConfig(
  captures: readonly string[],
  options: ReplayOptions & Pick<OutputOptions, 'conntrackTable' | 'conntrackSave' | 'profile' | 'format'>,
  perPacket: boolean,
): ReplayConfig {
  const { host, rules, rules6, ipset, conntrack, midstream, checksum, onUnsupported, evaluator, seed } =
    options;
  if (host === undefined && rules === undefined && rules6 === undefined) {
    throw new UserError('no ruleset: neither --host nor --rules nor --rules6 is given', {
      hint: 'collect the machine with `iptables-replay snapshot`, or give an iptables-save dump to --rules',
    });
  }
  refuseEmptyHost(options);
  if (captures.filter(isStandardInput).length > 1) {
    throw new UserError('standard input (-) can be read only once');
  }
  refuseProfileInTable(options);
  const workers = options.workers ?? defaultWorkers(captures);
  return {
    captures,
    host,
    rules,
    rules6,
    ipset,
    conntrack,
    clockSkews: skewsOf(options.clockSkew),
    midstream,
    checksum,
    workers,
    seed,
    onUnsupported,
    evaluator,
    perPacket,
    conntrackDump: options.conntrackTable === true || options.conntrackSave !== undefined,
    profile: options.profile === true,
  };
}

/** The table of rules has one form, whatever else is asked for. */
function refuseProfileInTable({ profile, format }: Pick<OutputOptions, 'profile' | 'format'>): void {
  if (profile !== true || (format !== 'csv' && format !== 'arrow')) return;
  throw new UserError(`--profile: the table of rules that --format ${format} writes has no place for it`, {
    hint: 'use --format json, or --format text',
  });
}

function skewsOf(given: readonly ClockSkew[] = []): ReadonlyMap<string, bigint> {
  const skews = new Map<string, bigint>();
  for (const { ifaceName, skewNs } of given) {
    if (skews.has(ifaceName)) throw new UserError(`--clock-skew ${ifaceName}: given twice`);
    skews.set(ifaceName, skewNs);
  }
  return skews;
}

/** A folder without any ruleset is not HOST, most likely. */
function refuseEmptyHost({ host, rules, rules6 }: ReplayOptions): void {
  if (host === undefined || rules !== undefined || rules6 !== undefined) return;
  const dumps = ['iptables.save', 'ip6tables.save'];
  if (dumps.some((dump) => existsSync(path.join(host, dump)))) return;
  throw new UserError(`--host ${host}: has neither ${dumps.join(' nor ')}`, {
    hint: 'name the folder that the script of `iptables-replay snapshot` has filled, or give rules with --rules',
  });
}

/** True for a CAPTURE argument that stands for standard input. */
export function isStandardInput(capture: string): boolean {
  return capture === '-' || capture.endsWith('=-');
}
