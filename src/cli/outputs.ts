import { type BigIntStats, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../base/errors.ts';
import { parseCaptureArgument } from '../capture/argument.ts';
import { filesIn, isDirectory } from '../capture/directory.ts';
import { OutputFile } from '../report/output-file.ts';
import { fileError } from './errors.ts';
import type { OutputOptions, ReplayOptions } from './options.ts';
import type { VerdictsRequest, WritePcapRequest } from './values.ts';

/** All files that a run writes, open from before the replay begins. */
export interface Outputs {
  readonly save: OutputFile | undefined;
  readonly save6: OutputFile | undefined;
  readonly conntrackSave: OutputFile | undefined;
  readonly html: OutputFile | undefined;
  readonly verdicts: (VerdictsRequest & { readonly output: OutputFile }) | undefined;
  readonly pcaps: readonly (WritePcapRequest & { readonly output: OutputFile })[];
  /** Finishes all files. */
  close(): void;
  /** Lets go of all files that are still open; what was made for nothing is removed. */
  abandon(): void;
}

/**
 * Opens every file that the options name, and refuses what would destroy something: one file for two outputs, or
 * an output that is one of the inputs. What was opened is let go of again when one of them fails.
 */
export function openOutputs(options: OutputOptions, inputs: Inputs): Outputs {
  const opened: OutputFile[] = [];
  const abandon = () => {
    for (const output of opened) output.abandon();
  };
  const inputByIdentity = identitiesOf(inputs.files);
  const captureFolders = inputs.captureFolders.map((folder) => realpathSync(folder));
  const outputByIdentity = new Map<string, string>();

  const open = (option: string, file: string): OutputFile => {
    let output: OutputFile;
    const before = identityOf(file);
    const input = before === undefined ? undefined : inputByIdentity.get(before);
    if (input !== undefined) {
      throw new UserError(`${option} ${file}: is the same file as the input ${input}`, {
        hint: 'name another file',
      });
    }
    if (captureFolders.includes(folderOf(file))) {
      throw new UserError(`${option} ${file}: lies in a folder whose files are all read as captures`, {
        hint: 'write it elsewhere',
      });
    }
    try {
      output = new OutputFile(file);
    } catch (error) {
      throw fileError(option, file, error);
    }
    opened.push(output);
    const earlier = outputByIdentity.get(output.identity);
    if (earlier !== undefined && output.isRegular) {
      throw new UserError(`${option} ${file}: is the same file as that of ${earlier}`, {
        hint: 'name another file',
      });
    }
    outputByIdentity.set(output.identity, option);
    return output;
  };

  try {
    const { save, save6, conntrackSave, html, verdicts, writePcap = [] } = options;
    return {
      save: save === undefined ? undefined : open('--save', save),
      save6: save6 === undefined ? undefined : open('--save6', save6),
      conntrackSave: conntrackSave === undefined ? undefined : open('--conntrack-save', conntrackSave),
      html: html === undefined ? undefined : open('--html', html),
      verdicts:
        verdicts === undefined ? undefined : { ...verdicts, output: open('--verdicts', verdicts.file) },
      pcaps: writePcap.map((request) => ({ ...request, output: open('--write-pcap', request.file) })),
      close: () => {
        for (const output of opened) output.close();
      },
      abandon,
    };
  } catch (error) {
    abandon();
    throw error;
  }
}

/** What a run reads: ordinary files, and folders whose files are all taken as captures. */
export interface Inputs {
  readonly files: readonly string[];
  readonly captureFolders: readonly string[];
}

/** The inputs that the command line names, HOST's files among them. */
export function namedInputs(captures: readonly string[], options: ReplayOptions): Inputs {
  const named = [options.rules, options.rules6, options.ipset, options.conntrack].filter(
    (file) => file !== undefined,
  );
  const paths = captures.map((capture) => parseCaptureArgument(capture).file);
  const captureFolders = paths.filter(isDirectory);
  const folders = options.host === undefined ? captureFolders : [...captureFolders, options.host];
  return { files: [...paths, ...named, ...folders.flatMap(filesIn)], captureFolders };
}

function identitiesOf(files: readonly string[]): Map<string, string> {
  const identities = new Map<string, string>();
  for (const file of files) {
    const identity = identityOf(file);
    if (identity !== undefined) identities.set(identity, file);
  }
  return identities;
}

/** Device and inode of an ordinary file; undefined for what is not there or no ordinary file. */
function identityOf(file: string): string | undefined {
  let stats: BigIntStats;
  try {
    stats = statSync(file, { bigint: true });
  } catch {
    return undefined;
  }
  return stats.isFile() ? `${stats.dev}:${stats.ino}` : undefined;
}

/** The folder that a file lies in, or would lie in, by its real path; as it is named when there is no such folder. */
function folderOf(file: string): string {
  const folder = path.dirname(path.resolve(file));
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
