import { Command, CommanderError } from 'commander';
import { EXIT_DONE, EXIT_USAGE, UserError } from '../base/errors.ts';
import { PROGRAM, renderError } from './errors.ts';
import {
  addOptionsNotYet,
  addOutputOptions,
  addReplayOptions,
  type OutputOptions,
  type ReplayOptions,
} from './options.ts';
import { Printer, processStreams, type Streams } from './streams.ts';
import { programVersion } from './version.ts';

/** Commands of the contract that this version does not have: named when called, not listed. */
const NOT_YET = ['trace', 'diff', 'order'];

const EXIT_HELP = `
Exit status: 0 done; 1 differences or failed expectations; 2 bad usage, host or ruleset; 3 a capture was damaged (what
could be read was replayed); 4 the machine's limits; 130 ended by Ctrl-C (what was read is reported).`;

const RUN_EXAMPLES = `
CAPTURE is [IFACE[:in|:out]=]FILE: pcap or pcapng, plain, .gz or .zst; - is standard input. Several are merged by time.

Examples:
  $ iptables-replay run --host gw1/ gw1/any.pcapng
  $ iptables-replay run --rules iptables.save eth0=wan.pcap eth1=lan.pcap --hit
  $ tcpdump -i eth0 -w - | iptables-replay run --host gw1/ eth0=-
  $ iptables-replay run --host gw1/ gw1/any.pcapng --format json --save after.save --verdicts packets.csv
  $ iptables-replay run --host gw1/ gw1/any.pcapng --write-pcap DROP,REJECT=refused.pcapng --html report.html
${EXIT_HELP}`;

/** Runs the program with these arguments (without node and the script) and gives the exit status. */
export async function main(argv: readonly string[], streams: Streams = processStreams()): Promise<number> {
  const stdout = new Printer(streams.stdout);
  const stderr = new Printer(streams.stderr);
  let status: number = EXIT_DONE;
  const help: string[] = [];
  const program = buildProgram(streams, stdout, stderr, help, (exitStatus) => {
    status = exitStatus;
  });
  try {
    const missing = argv.length === 0 ? ['--help'] : argv;
    refuseNotYet(missing);
    await program.parseAsync(missing, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) {
        await stdout.print(help.join(''));
        return argv.length === 0 ? EXIT_USAGE : EXIT_DONE;
      }
      return report(stderr, usageError(error));
    }
    return report(stderr, error);
  }
  return status;
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
  streams: Streams,
  stdout: Printer,
  stderr: Printer,
  help: string[],
  end: (exitStatus: number) => void,
): Command {
  const program = new Command(PROGRAM)
    .description(
      "Replays packet captures through iptables rulesets, offline, with counters that equal the Linux kernel's.",
    )
    .version(programVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXIT_HELP)
    .exitOverride()
    .showHelpAfterError(false)
    .configureOutput({ writeOut: (text) => help.push(text), writeErr: () => {}, outputError: () => {} });

  const run = program
    .command('run')
    .description('replay captures; print how often each rule was hit and what became of the packets')
    .argument('<capture...>', '[IFACE[:in|:out]=]FILE')
    .addHelpText('after', RUN_EXAMPLES);
  addOptionsNotYet(addOutputOptions(addReplayOptions(run))).action(
    async (captures: string[], options: ReplayOptions & OutputOptions) => {
      const { run: replay } = await import('./run.ts');
      end(await replay(captures, options, { streams, stdout, stderr }));
    },
  );
  return program;
}
