import { describe, expect, test } from 'vitest';
import { parseCaptureArgument } from '../../src/capture/argument.ts';

const parse = (text: string, files: readonly string[] = []) =>
  parseCaptureArgument(text, (path) => files.includes(path));

describe('CAPTURE arguments', () => {
  test.each([
    ['f.pcap', undefined, undefined, 'f.pcap'],
    ['-', undefined, undefined, '-'],
    ['eth0=f.pcap', 'eth0', undefined, 'f.pcap'],
    ['eth0:in=f.pcap', 'eth0', 'in', 'f.pcap'],
    ['eth0:out=-', 'eth0', 'out', '-'],
    ['eth0=a=b:c', 'eth0', undefined, 'a=b:c'],
    ['eth0.100=dir/', 'eth0.100', undefined, 'dir/'],
    ['./a=b', undefined, undefined, './a=b'],
    ['/tmp/x:in=y', undefined, undefined, '/tmp/x:in=y'],
  ])('%s', (text, ifaceName, direction, file) => {
    expect(parse(text)).toEqual({ ifaceName, direction, file });
  });

  test('what exists as a file is a file', () => {
    expect(parse('eth0=f.pcap', ['eth0=f.pcap'])).toEqual({
      ifaceName: undefined,
      direction: undefined,
      file: 'eth0=f.pcap',
    });
  });

  test.each([
    ['', 'empty'],
    ['eth0=', 'no file after'],
    ['=f', '"" is not an interface name'],
    ['eth0:up=f', '"up" is not a direction'],
    ['eth0:in:out=f', '"in:out" is not a direction'],
    ['eth 0=f', '"eth 0" is not an interface name'],
    ['..=f', '".." is not an interface name'],
    ['abcdefghijklmnop=f', 'longer than 15'],
  ])('refuses %j', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});
