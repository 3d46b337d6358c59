/**
 * `iptables-replay snapshot`: prints a shell script that collects HOST on a machine, to be read and then run there:
 *
 *     iptables-replay snapshot > snapshot.sh
 *     scp snapshot.sh router: && ssh router sudo sh snapshot.sh host && scp -r router:host .
 *
 * The script is POSIX sh (dash, busybox sh), changes nothing on the machine, and leaves out what it cannot get: each
 * file of HOST may be absent.
 */
export const SNAPSHOT_SCRIPT = String.raw`#!/bin/sh
# Collects what iptables-replay wants to know of this machine (its option --host) into a folder:
#
#     sh snapshot.sh FOLDER
#
# It only reads. What it cannot get, it says on standard error and leaves out; a file that is absent means a
# documented default. Run it as root: without, the rules and the connections cannot be read.
# Exit status: 0 all was collected, 1 something is missing, 2 nothing could be done.
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
umask 077

if [ $# -ne 1 ] || [ -z "$1" ] || [ "$1" = -h ] || [ "$1" = --help ]; then
	echo "usage: sh snapshot.sh FOLDER" >&2
	exit 2
fi
dir=$1
case $dir in -*) dir=./$dir ;; esac
mkdir -p "$dir" || exit 2
new=$dir/.new.$$
err=$dir/.err.$$
trap 'rm -f "$new" "$err"' EXIT
trap 'exit 2' HUP INT TERM
: >"$new" || exit 2
status=0

missing() {
	status=1
	echo "snapshot: $1: $2" >&2
}

have() {
	command -v "$1" >/dev/null 2>&1
}

# The reason that the last command gave, in one line.
reason() {
	r=$(sed -n '/[^[:space:]]/{p;q;}' "$err" 2>/dev/null)
	echo "${'$'}{r:-it failed without a message}"
}

# collect FILE COMMAND...: the output becomes FILE, if the command succeeds.
collect() {
	file=$1
	shift
	rm -f "$dir/$file"
	if ! have "$1"; then
		missing "$file" "$1 is not installed"
		return 1
	fi
	if "$@" >"$new" 2>"$err"; then
		mv "$new" "$dir/$file"
		return 0
	fi
	missing "$file" "$* : $(reason)"
	return 1
}

# collect_json FILE ARGUMENTS...: as collect, of ip -j. Old iproute2 and the ip of busybox cannot write JSON.
collect_json() {
	file=$1
	shift
	rm -f "$dir/$file"
	if ! have ip; then
		missing "$file" "ip (iproute2) is not installed"
		return 1
	fi
	if ! ip -j "$@" >"$new" 2>"$err"; then
		case $(cat "$err") in
		*[Uu]sage* | *'invalid option'* | *'unrecognized option'* | *'is unknown'*)
			missing "$file" "this ip cannot write JSON (ip -j): iproute2 4.18 or newer is needed" ;;
		*) missing "$file" "ip -j $* : $(reason)" ;;
		esac
		return 1
	fi
	case $(sed -n '/[^[:space:]]/{p;q;}' "$new") in
	'['*) mv "$new" "$dir/$file" ;;
	'') echo '[]' >"$dir/$file" ;;
	*)
		missing "$file" "this ip cannot write JSON (ip -j): iproute2 4.18 or newer is needed"
		return 1 ;;
	esac
}

# True when the dump holds a rule, or a policy other than ACCEPT.
has_rules() {
	grep -q -E '^(\[[0-9:]*\] )?-A |^:[^ ]+ DROP ' "$1" 2>/dev/null
}

# collect_rules iptables|ip6tables: iptables-save may be that of the legacy or of the nft back end, and rules of both
# may be in force at the same time.
collect_rules() {
	tool=$1
	rm -f "$dir/$tool.save" "$dir/$tool-legacy.save" "$dir/$tool-nft.save"
	first=
	for save in $tool-save $tool-nft-save $tool-legacy-save; do
		have $save || continue
		if ! $save -c >"$new" 2>"$err"; then
			[ $save = $tool-save ] && missing $tool.save "$save -c : $(reason)"
			continue
		fi
		if [ -z "$first" ]; then
			first=$save
			mv "$new" "$dir/$tool.save"
			continue
		fi
		# The same back end under its other name shows the same rules.
		grep -v '^#' "$new" | sed 's/^\[[0-9:]*\] //; s/\[[0-9:]*\]$//' >"$err"
		if grep -v '^#' "$dir/$tool.save" | sed 's/^\[[0-9:]*\] //; s/\[[0-9:]*\]$//' | cmp -s - "$err"; then
			continue
		fi
		has_rules "$new" || continue
		if has_rules "$dir/$tool.save"; then
			part=${'$'}{save%-save}
			mv "$new" "$dir/$part.save"
			missing "$part.save" "both back ends of $tool hold rules: $tool.save has those of $first, this file the others; iptables-replay reads only $tool.save"
		else
			first=$save
			mv "$new" "$dir/$tool.save"
		fi
	done
	[ -n "$first" ] || [ -f "$dir/$tool.save" ] || have $tool-save || have $tool-legacy-save ||
		missing $tool.save "$tool-save is not installed"
}

collect_sysctls() {
	rm -f "$dir/sysctl.txt"
	if have sysctl && sysctl -a >"$new" 2>/dev/null || [ -s "$new" ]; then
		:
	elif [ -d /proc/sys/net ]; then
		# Each line "path:value" becomes "name = value"; dots of interface names become slashes, as sysctl has it.
		find /proc/sys/net -type f -exec grep -H . {} + 2>/dev/null |
			sed 's|^/proc/sys/||; h; s/:.*//; y|./|/.|; G; s/\n[^:]*:/ = /' >"$new"
	else
		missing sysctl.txt "neither sysctl nor /proc/sys is there"
		return
	fi
	# Keys that are secrets of the machine stay on it.
	grep '^net\.' "$new" | grep -v -e stable_secret -e fastopen_key >"$dir/sysctl.txt"
	[ -s "$dir/sysctl.txt" ] || missing sysctl.txt "no net.* settings could be read"
}

collect_conntrack() {
	rm -f "$dir/conntrack.txt"
	if have conntrack && conntrack -L -o extended >"$new" 2>"$err"; then
		conntrack -L -f ipv6 -o extended >>"$new" 2>/dev/null
		mv "$new" "$dir/conntrack.txt"
	elif [ -r /proc/net/nf_conntrack ] && cat /proc/net/nf_conntrack >"$new" 2>"$err"; then
		mv "$new" "$dir/conntrack.txt"
	elif have conntrack; then
		missing conntrack.txt "conntrack -L : $(reason)"
	else
		missing conntrack.txt "conntrack is not installed, and /proc/net/nf_conntrack cannot be read"
	fi
}

collect_rules iptables
collect_rules ip6tables
if have ipset; then
	collect ipset.save ipset save
else
	rm -f "$dir/ipset.save"
	grep -q -e --match-set -e --add-set -e --map-set "$dir"/ip*tables.save 2>/dev/null &&
		missing ipset.save "ipset is not installed, but the rules use sets"
fi
rm -f "$dir/timeout.txt"
if grep -q -e '-j CT .*--timeout' "$dir"/ip*tables.save 2>/dev/null; then
	if have nfct; then
		collect timeout.txt nfct list timeout
	else
		missing timeout.txt "nfct is not installed, but the rules use timeout policies (CT --timeout)"
	fi
fi
rm -f "$dir/address.json"
ip -j -d address show >"$new" 2>/dev/null && grep -q '^\[' "$new" && mv "$new" "$dir/address.json" ||
	collect_json address.json address show
collect_json route.json route show table all
collect_json route6.json -6 route show table all
collect_json rule.json rule show
collect_json rule6.json -6 rule show
collect_json neigh.json neigh show
collect_json maddr.json maddress show
collect_sysctls
collect_conntrack
uname -a >"$dir/uname.txt" 2>/dev/null

if [ $status -eq 0 ]; then
	echo "snapshot: all of HOST is in $dir" >&2
else
	echo "snapshot: $dir is usable; what is said above is missing in it" >&2
fi
exit $status
`;

/** Writes the script. `write` is standard output's. */
export function runSnapshot(write: (text: string) => void): void {
  write(SNAPSHOT_SCRIPT);
}
