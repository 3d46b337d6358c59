import { Command, CommanderError } from 'commander';
import { EXIT_DONE, EXIT_USAGE, UserError } from '../base/errors.ts';
import type { CheckOptions } from './check.ts';
import { PROGRAM, renderError } from './errors.ts';
import {
  addOptionsNotYet,
  addOutputOptions,
  addReplayOptions,
  type OutputOptions,
  onUnsupportedOption,
  type ReplayOptions,
} from './options.ts';
import type { Surroundings } from './run.ts';
import { Printer, processStreams, type Streams } from './streams.ts';
import { programVersion } from './version.ts';

/** Commands of the contract that this version does not have: named when called, not listed. */
const NOT_YET = ['trace', 'diff', 'order'];

/** Width of the help where there is no terminal. */
const HELP_COLUMNS = 110;

const EXIT_HELP = `
Exit status: 0 done; 1 differences or failed expectations; 2 bad usage, host or ruleset; 3 a capture was damaged (what
could be read was replayed); 4 the machine's limits; 130 ended by Ctrl-C (what was read is reported).`;

const RUN_EXAMPLES = `
CAPTURE is [IFACE[:in|:out]=]FILE: pcap or pcapng, plain, .gz or .zst; - is standard input, a folder
stands for all files in it. Several are merged by time.

Examples:
  $ iptables-replay run --host gw1/ gw1/any.pcapng
  $ iptables-replay run --rules iptables.save eth0=wan.pcap eth1=lan.pcap --hit
  $ tcpdump -i eth0 -w - | iptables-replay run --host gw1/ eth0=-
  $ iptables-replay run --host gw1/ gw1/any.pcapng --format json --save after.save --verdicts packets.csv
  $ iptables-replay run --host gw1/ gw1/any.pcapng --write-pcap DROP,REJECT=refused.pcapng --html report.html
${EXIT_HELP}`;

/** Runs the program with these arguments (without node and the script) and gives the exit status. */
export async function main(
  argv: readonly string[],
  streams: Streams = processStreams(),
  engine?: Surroundings['engine'],
): Promise<number> {
  const stdout = new Printer(streams.stdout);
  const stderr = new Printer(streams.stderr);
  let status: number = EXIT_DONE;
  const help: string[] = [];
  const surroundings: Surroundings = { streams, stdout, stderr, ...(engine === undefined ? {} : { engine }) };
  const program = buildProgram(surroundings, help, (exitStatus) => {
    status = exitStatus;
  });
  try {
    refuseNotYet(argv);
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      // Help that was asked for is an answer; help for want of a command is a complaint.
      await (argv.length === 0 ? stderr : stdout).print(help.join(''));
      return argv.length === 0 ? EXIT_USAGE : EXIT_DONE;
    }
    return report(stderr, error instanceof CommanderError ? usageError(error) : error);
  }
}

async function report(stderr: Printer, error: unknown): Promise<number> {
  const rendered = renderError(error);
  await stderr.print(rendered.text);
  return rendered.status;
}

function usageError(error: CommanderError): UserError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = rest
    .join(' ')
    .trim()
    .replace(/^\(|\)$/g, '');
  const hint = suggestion === '' ? `see \`${PROGRAM} --help\` or \`${PROGRAM} COMMAND --help\`` : suggestion;
  return new UserError(first, { hint });
}

function refuseNotYet(argv: readonly string[]): void {
  const command = argv.find((word) => !word.startsWith('-'));
  if (command !== undefined && NOT_YET.includes(command)) {
    throw new UserError(`\`${command}\` is not part of this version yet`, {
      hint: 'this version has `run`, `check` and `snapshot`',
    });
  }
}

function buildProgram(
  surroundings: Surroundings,
  help: string[],
  end: (exitStatus: number) => void,
): Command {
  const program = new Command(PROGRAM)
    .description(
      "Replays packet captures through iptables rulesets, offline, with counters that equal the Linux kernel's.",
    )
    .version(programVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', EXIT_HELP)
    .exitOverride()
    .showHelpAfterError(false)
    .configureOutput({
      writeOut: (text) => help.push(text),
      writeErr: () => {},
      outputError: () => {},
      getOutHelpWidth: () => surroundings.streams.stdout.columns ?? HELP_COLUMNS,
    });

  const run = program
    .command('run')
    .description('replay captures; print how often each rule was hit and what became of the packets')
    .argument('<capture...>', '[IFACE[:in|:out]=]FILE')
    .addHelpText('after', RUN_EXAMPLES);
  addOptionsNotYet(addOutputOptions(addReplayOptions(run))).action(
    async (captures: string[], options: ReplayOptions & OutputOptions) => {
      const { run: replay } = await import('./run.ts');
      end(await replay(captures, options, surroundings));
    },
  );
  addCheck(program, surroundings, end);
  addSnapshot(program, surroundings);
  return program;
}

function addCheck(
  program: Command,
  { stdout, stderr }: Surroundings,
  end: (exitStatus: number) => void,
): void {
  program
    .command('check')
    .description('parse rulesets as iptables-restore --test would; print what iptables-save would print')
    .argument('<file...>', 'dumps of iptables-save or ip6tables-save; - is standard input')
    .option('--ipv6', 'all files are of ip6tables (otherwise each says so itself: first comment, then name)')
    .addOption(onUnsupportedOption())
    .action(async (files: string[], options: CheckOptions) => {
      const { check } = await import('./check.ts');
      const result = await check(files, options);
      await stdout.print(result.stdout);
      await stderr.print(result.stderr);
      end(result.exitStatus);
    });
}

const SNAPSHOT_EXAMPLES = `
The script is POSIX sh, to be read and then run as root on the machine; it changes nothing there:
  $ iptables-replay snapshot > snapshot.sh
  $ scp snapshot.sh gw1: && ssh gw1 sudo sh snapshot.sh host && scp -r gw1:host gw1/
  $ iptables-replay run --host gw1/ gw1.pcapng`;

function addSnapshot(program: Command, { stdout }: Surroundings): void {
  program
    .command('snapshot')
    .description('print a shell script that collects HOST on a machine')
    .addHelpText('after', SNAPSHOT_EXAMPLES)
    .action(async () => {
      const { SNAPSHOT_SCRIPT } = await import('./snapshot.ts');
      await stdout.print(SNAPSHOT_SCRIPT);
    });
}
