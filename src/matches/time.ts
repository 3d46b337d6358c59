import { defineMatch } from '../extension/define.ts';
import { strtoumax } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, customFlag, flag } from '../extension/values.ts';

interface TimeOptions {
  /** Seconds since the epoch: 32 bits, unsigned. */
  readonly dateStart: number;
  readonly dateStop: number;
  /** Seconds since midnight. */
  readonly dayStart: number;
  readonly dayStop: number;
  /** Bits 1 (Monday) to 7. */
  readonly weekdays: number;
  /** Bits 1 to 31, signed. */
  readonly monthdays: number;
  readonly kernelZone: boolean;
  readonly contiguous: boolean;
}

const WEEKDAYS = ['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const ALL_WEEKDAYS = 0xfe;
const ALL_MONTHDAYS = -2;
const DAY_SECONDS = 86400;
const LAST_SECOND = DAY_SECONDS - 1;
const MAX_DATE = 0x7fffffff;

/** strtoul(): the number at the beginning of a text, cut to 32 bits, and where it ends. */
function leading(text: string): { readonly value: number; readonly end: number } {
  const minus = /^\s*-/.exec(text);
  const number = strtoumax(minus === null ? text : text.slice(minus[0].length));
  if (number === undefined) return { value: 0, end: 0 };
  const value = Number(BigInt.asUintN(32, minus === null ? number.value : -number.value));
  return { value, end: number.end + (minus?.[0].length ?? 0) };
}

/** Parts between commas, as C cuts them: the last one does not count when empty. */
function parts(text: string, maxBytes: number): string[] {
  const all = text.split(',');
  if (all.at(-1) === '') all.pop();
  return all.map((part) => part.slice(0, maxBytes));
}

function parseWeekdays(text: string, call: OptionCall): number {
  let days = 0;
  for (const part of parts(text, 3)) {
    const { value, end } = leading(part);
    if (end === part.length) {
      if (value === 0) call.fail('No, the week does NOT begin with Sunday.', 'Sunday is 7, or Sun.');
      if (value > 7)
        call.warn(`weekday ${value} is taken for no day`, 'Days are 1 (Monday) to 7, or Mon to Sun.');
      days |= 1 << value;
      continue;
    }
    const day = WEEKDAYS.findIndex((name, i) => i > 0 && name.slice(0, 2) === part.slice(0, 2));
    if (day < 0)
      call.fail(`${part} is not a valid day specifier`, 'Days are Mon, Tue, Wed, Thu, Fri, Sat, Sun.');
    days |= 1 << day;
  }
  // The kernel keeps eight bits.
  return days & 0xff;
}

function parseMonthdays(text: string, call: OptionCall): number {
  let days = 0;
  for (const part of parts(text, 2)) {
    const { value, end } = leading(part);
    if (end !== part.length || value > 31) call.fail(`${part} is not a valid day for --monthdays`);
    days |= 1 << value;
  }
  return days;
}

/** `h:mm[:ss]`. */
function parseDaytime(text: string, call: OptionCall): number {
  const bad = (rest: string) =>
    call.fail(`invalid time "${rest}" specified, should be hh:mm[:ss] format and within the boundaries`);
  const limits = [23, 59, 59];
  const found: number[] = [];
  let rest = text;
  for (const limit of limits) {
    const digits = /^\s*\+?(\d*)/.exec(rest)!;
    const value = Number(digits[1]);
    const next = rest.slice(digits[0].length);
    const isLast = found.length === 2;
    const isEnded = found.length > 0 && next === '';
    if (value > limit || !(isEnded || (next.startsWith(':') && !isLast))) bad(rest);
    found.push(value);
    if (isEnded) break;
    rest = next.slice(1);
  }
  return found[0]! * 3600 + (found[1] ?? 0) * 60 + (found[2] ?? 0);
}

/** `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` in UTC; mktime() brings month and day 0 to the ones before. */
function parseDate(text: string, call: OptionCall): number {
  const bad = (): never =>
    call.fail(`Invalid date "${text}" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`);
  const form = /^(\d+)(?:-(\d*)(?:-(\d*)(?:T(\d*)(?::(\d*)(?::(\d*))?)?)?)?)?$/.exec(text);
  if (form === null) return bad();
  const [year, month, day, hour, minute, second] = form
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)));
  if (year! < 1970 || year! > 2038) bad();
  if ((month ?? 1) > 12 || (day ?? 1) > 31 || (hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59)
    bad();
  const ms = Date.UTC(year!, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0, second ?? 0);
  return (ms / 1000) >>> 0;
}

/**
 * `-m time`: date, day and time of day, on the capture's clock. The kernel's time zone is not known: it is taken to be
 * UTC. Linux: net/netfilter/xt_time.c, time_mt(), time_mt_check().
 */
export const time = defineMatch<TimeOptions, { readonly baseNs: bigint }>({
  name: 'time',
  families: [4, 6],
  scope: 'packet',
  reads: ['time'],
  syntax: defineSyntax({
    options: {
      '--timestart': custom(parseDaytime),
      '--timestop': custom(parseDaytime),
      '--datestart': custom(parseDate),
      '--datestop': custom(parseDate),
      '--weekdays': custom(parseWeekdays, { invertible: true }),
      '--monthdays': custom(parseMonthdays, { invertible: true }),
      '--localtz': customFlag(
        (call) =>
          call.warn(
            '--localtz is being replaced by --kerneltz, since "local" is ambiguous. Note the kernel timezone has caveats - see manpage for details.',
          ),
        { excludes: ['--utc'] },
      ),
      '--utc': flag({ excludes: ['--localtz', '--kerneltz'] }),
      '--kerneltz': flag({ excludes: ['--utc'] }),
      '--contiguous': flag(),
    },
    build: (v, rule): TimeOptions => {
      const dayStart = v['--timestart']?.value ?? 0;
      const dayStop = v['--timestop']?.value ?? LAST_SECOND;
      if (v['--contiguous'] !== undefined && dayStart < dayStop) {
        rule.fail('time: --contiguous only makes sense when stoptime is smaller than starttime');
      }
      const { '--weekdays': weekdays, '--monthdays': monthdays } = v;
      return {
        dateStart: v['--datestart']?.value ?? 0,
        dateStop: v['--datestop']?.value ?? MAX_DATE,
        dayStart,
        dayStop,
        weekdays:
          weekdays === undefined ? ALL_WEEKDAYS : weekdays.value ^ (weekdays.inverted ? ALL_WEEKDAYS : 0),
        monthdays:
          monthdays === undefined
            ? ALL_MONTHDAYS
            : monthdays.value ^ (monthdays.inverted ? ALL_MONTHDAYS : 0),
        kernelZone: v['--localtz'] !== undefined || v['--kerneltz'] !== undefined,
        contiguous: v['--contiguous'] !== undefined,
      };
    },
    save: (o) =>
      (hasDaytime(o) ? ` --timestart ${daytime(o.dayStart)} --timestop ${daytime(o.dayStop)}` : '') +
      (o.monthdays === ALL_MONTHDAYS ? '' : ` --monthdays ${monthdayNumbers(o).join(',')}`) +
      (o.weekdays === ALL_WEEKDAYS ? '' : ` --weekdays ${weekdayNames(o)}`) +
      (o.dateStart === 0 ? '' : ` --datestart ${date(o.dateStart, 'T')}`) +
      (o.dateStop === 0 ? '' : ` --datestop ${date(o.dateStop, 'T')}`) +
      (o.kernelZone ? ' --kerneltz' : '') +
      (o.contiguous ? ' --contiguous' : ''),
    list: (o) =>
      'TIME' +
      (hasDaytime(o) ? ` from ${daytime(o.dayStart)} to ${daytime(o.dayStop)}` : '') +
      (o.weekdays === ALL_WEEKDAYS ? '' : ` on ${weekdayNames(o)}`) +
      (o.monthdays === ALL_MONTHDAYS
        ? ''
        : ` on ${monthdayNumbers(o)
            .map((day) => `${day}${ordinal(day)}`)
            .join(',')}`) +
      (o.dateStart === 0 ? '' : ` starting from ${date(o.dateStart, ' ')}`) +
      (o.dateStop === MAX_DATE ? '' : ` until date${o.dateStop === 0 ? '' : ` ${date(o.dateStop, ' ')}`}`) +
      (o.kernelZone ? '' : ' UTC') +
      (o.contiguous ? ' contiguous' : ''),
  }),
  prepare: (o, environment) => {
    if (o.kernelZone) {
      environment.assume(
        "time: the kernel's time zone is not known (--kerneltz); UTC is taken, which is what most machines have.",
      );
    }
    return { baseNs: environment.baseNs ?? 0n };
  },
  evaluate: (o, p, { baseNs }) => {
    let seconds = Number((baseNs + BigInt(Math.floor(p.timeNs))) / 1_000_000_000n);
    if (seconds < o.dateStart || seconds > o.dateStop) return false;
    const second = seconds % DAY_SECONDS;
    if (o.dayStart < o.dayStop) {
      if (second < o.dayStart || second > o.dayStop) return false;
    } else {
      if (second < o.dayStart && second > o.dayStop) return false;
      // What lies behind midnight belongs to the day on which it began.
      if (o.contiguous && second <= o.dayStop) seconds -= DAY_SECONDS;
    }
    const days = Math.floor(seconds / DAY_SECONDS);
    // 1 January 1970 was a Thursday.
    if ((o.weekdays & (1 << (((days + 3) % 7) + 1))) === 0) return false;
    return (
      o.monthdays === ALL_MONTHDAYS || (o.monthdays & (1 << new Date(seconds * 1000).getUTCDate())) !== 0
    );
  },
});

function hasDaytime(o: TimeOptions): boolean {
  return o.dayStart !== 0 || o.dayStop !== LAST_SECOND;
}

const two = (number: number) => String(number).padStart(2, '0');

function daytime(seconds: number): string {
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function date(seconds: number, between: string): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', between);
}

function weekdayNames(o: TimeOptions): string {
  return WEEKDAYS.filter((_, day) => day > 0 && (o.weekdays & (1 << day)) !== 0).join(',');
}

function monthdayNumbers(o: TimeOptions): number[] {
  return Array.from({ length: 31 }, (_, i) => i + 1).filter((day) => (o.monthdays & (1 << day)) !== 0);
}

/** By the last digit alone, as iptables does it: 11st, 12nd, 13rd. */
function ordinal(day: number): string {
  return ['th', 'st', 'nd', 'rd'][day % 10] ?? 'th';
}
