# Dumps of `ipset save`, a dump a line, its lines separated by ' | ', and what ipset 7.17 says to it:
#     lines ; OK ; elements that the sets have then, sorted, without timeouts and comments
#     lines ; FAIL line phrase     the first line that is refused (- where ipset does not say which), and its words
#     lines ; OURS ; elements      types that the kernel of the recording has not: by its sources
create a hash:ip | create a hash:ip ; FAIL 2 Set cannot be created: set with the same name already exists
create a hash:ip | add a 1.2.3.4 | add a 1.2.3.4 ; FAIL 3 Element cannot be added to the set: it's already added
create a hash:ip | add a 1.2.3.4 | add a 1.2.3.4 -exist ; FAIL 3 Element cannot be added to the set: it's already added
create a hash:ip | add b 1.2.3.4 ; FAIL 2 The set with the given name does not exist
create a hash:ip | add a 1.2.3.4 timeout 5 ; FAIL 2 Timeout cannot be used: set was created without timeout support
create a hash:ip timeout 9 | add a 1.2.3.4 | add a 1.2.3.5 timeout 0 | add a 1.2.3.6 timeout 4294967 ; FAIL 4 Syntax error: '4294967' is out of range 0-2147483
create a hash:ip timeout 2147484 ; FAIL 1 Syntax error: '2147484' is out of range 0-2147483
create a hash:ip timeout 2147483 ; OK ;
create a hash:ip counters | add a 1.2.3.4 packets 5 bytes 7 | add a 1.2.3.5 packets 0x10 ; OK ; a 1.2.3.4 packets 5 bytes 7 | a 1.2.3.5 packets 16 bytes 0
create a hash:ip | add a 1.2.3.4 packets 5 ; FAIL 2 Packet/byte counters cannot be used: set was created without counter support
create a hash:ip | add a 1.2.3.4 comment "x y" ; FAIL 2 Comment cannot be used: set was created without comment support
create a hash:ip comment | add a 1.2.3.4 comment "x y" | add a 1.2.3.5 comment xx ; OK ; a 1.2.3.4 | a 1.2.3.5
create a hash:ip skbinfo | add a 1.2.3.4 skbmark 0x10/0xff skbprio 1:10 skbqueue 3 | add a 1.2.3.5 skbmark 7 | add a 1.2.3.6 ; FAIL 3 Syntax error: Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)
create a hash:ip | add a 1.2.3.4 skbmark 7 ; FAIL 2 Syntax error: Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)
create a hash:ip | add a 1.2.3.0/30 | add a 1.2.4.1-1.2.4.3 | add a 9.9.9.9/32 ; OK ; a 1.2.3.0 | a 1.2.3.1 | a 1.2.3.2 | a 1.2.3.3 | a 1.2.4.1 | a 1.2.4.2 | a 1.2.4.3 | a 9.9.9.9
create a hash:ip | add a 0.0.0.0 ; FAIL 2 Null-valued element, cannot be stored in a hash type of set
create a hash:ip | add a 1.2.3 | add a x ; FAIL 3 Syntax error: cannot parse x: resolving to IPv4 address failed
create a hash:ip | add a ::1 ; FAIL 2 Syntax error: cannot parse ::1: resolving to IPv4 address failed
create a hash:ip family inet6 | add a ::1 | add a 2001:db8::1-2001:db8::4 ; FAIL 3 Syntax error: plain IP address must be supplied: 2001:db8::1-2001:db8::4
create a hash:ip family inet6 | add a 2001:db8::/64 ; FAIL 2 Syntax error: plain IP address must be supplied: 2001:db8::/64
create a hash:ip family inet6 | add a 2001:db8::1/128 ; OK ; a 2001:db8::1
create a hash:ip family inet6 | add a :: ; FAIL 2 Null-valued element, cannot be stored in a hash type of set
create a hash:ip family foo ; FAIL 1 Syntax error: unknown inet family foo
create a hash:nothing ; FAIL 1 Syntax error: typename 'hash:nothing' is unknown
create a hash:ip foo ; FAIL - Unknown argument: `foo'
create a hash:ip maxelem x ; FAIL 1 Syntax error: 'x' is invalid as number
create a hash:ip maxelem ; FAIL - Missing mandatory argument of option `maxelem'
create a hash:ip maxelem 2 | add a 1.1.1.1 | add a 1.1.1.2 | add a 1.1.1.3 ; FAIL 4 Hash is full, cannot add more elements
create a hash:ip maxelem 2 forceadd | add a 1.1.1.1 | add a 1.1.1.2 | add a 1.1.1.3 ; FAIL 4 Hash is full, cannot add more elements
create a hash:ip netmask 24 | add a 1.1.1.1 | add a 2.2.2.0/23 ; OK ; a 1.1.1.0 | a 2.2.2.0 | a 2.2.3.0
create a hash:ip netmask 33 ; FAIL 1 Syntax error: netmask is out of the inclusive range of 1-32
create a hash:ip netmask 0 ; FAIL 1 Syntax error: netmask is out of the inclusive range of 1-32
create a hash:ip bitmask 255.255.0.255 | add a 1.2.3.4 ; OK ; a 1.2.0.4
create a hash:ip bitmask 255.255.0.255 netmask 24 ; FAIL 1 Syntax error: bitmask and netmask are mutually exclusive, provide only one
create a hash:ip netmask 24 netmask 25 ; FAIL 1 Syntax error: netmask already specified
create a hash:net | add a 1.2.3.4/24 | add a 5.5.5.5 | add a 10.0.0.1-10.0.0.6 | add a 7.7.7.7/16 nomatch ; OK ; a 1.2.3.0/24 | a 10.0.0.1 | a 10.0.0.2/31 | a 10.0.0.4/31 | a 10.0.0.6 | a 5.5.5.5 | a 7.7.0.0/16 nomatch
create a hash:net | add a 0.0.0.0/0 ; FAIL 2 The value of the CIDR parameter of the IP address is invalid
create a hash:net | add a 1.2.3.4/33 ; FAIL 2 Syntax error: '33' is out of range 0-32
create a hash:ip | add a 1.2.3.4 nomatch ; FAIL - Unknown argument: `nomatch'
create a hash:net family inet6 | add a 2001:db8::1/64 | add a 2001:db8:1::-2001:db8:2:: ; FAIL 3 Syntax error: IP address or IP/cidr must be specified: 2001:db8:1::-2001:db8:2::
create a hash:ip,port | add a 1.2.3.4,80 | add a 1.2.3.4,udp:53 | add a 1.2.3.4,tcp:80-82 | add a 1.2.3.4,icmp:8/0 | add a 1.2.3.4,icmp:echo-reply | add a 1.2.3.4,47:0 | add a 1.2.3.4,sctp:5 | add a 1.2.3.4,http | add a 1.2.3.4,gre:0 | add a 1.2.3.4,udplite:9 ; FAIL 4 Element cannot be added to the set: it's already added
create a hash:ip,port | add a 1.2.3.4,gre:5 ; FAIL 2 Syntax error: Protocol gre can be used with pseudo port value 0 only.
create a hash:ip,port | add a 1.2.3.4,foo:5 ; FAIL 2 Syntax error: cannot parse 'foo' as a protocol
create a hash:ip,port | add a 1.2.3.4,tcp:70000 ; FAIL - cannot parse '70000' as a tcp port
create a hash:ip,port | add a 1.2.3.4,tcp:nosvc ; FAIL - cannot parse 'nosvc' as a tcp port
create a hash:ip,port | add a 1.2.3.4 ; FAIL 2 Syntax error: Second element is missing from 1.2.3.4.
create a hash:ip,port | add a 1.2.3.4,80,90 ; FAIL 2 Syntax error: Two elem separators in 1.2.3.4,80,90, but settype hash:ip,port supports one.
create a hash:ip,port | add a 1.2.3.4,tcp:0 | add a 1.2.3.4-1.2.3.5,udp:1-2 ; OK ; a 1.2.3.4,tcp:0 | a 1.2.3.4,udp:1 | a 1.2.3.4,udp:2 | a 1.2.3.5,udp:1 | a 1.2.3.5,udp:2
create a hash:ip,port family inet6 | add a ::1,icmpv6:128/0 | add a ::1,icmpv6:echo-reply | add a ::1,ipv6-icmp:1/1 ; OK ; a ::1,ipv6-icmp:communication-prohibited | a ::1,ipv6-icmp:echo-reply | a ::1,ipv6-icmp:echo-request
create a hash:ip,port | add a 1.2.3.4,icmpv6:128/0 ; FAIL 2 Invalid add command: missing setname
create a hash:ip,port family inet6 | add a ::1,icmp:8/0 ; FAIL 2 Invalid add command: missing setname
create a hash:ip,port,ip | add a 1.2.3.4,80,5.6.7.8 | add a 1.2.3.4,80,5.6.7.8-5.6.7.9 | add a 1.2.3.4,tcp:81,5.6.7.8 ; FAIL 3 Syntax error: plain IP address must be supplied: 5.6.7.8-5.6.7.9
create a hash:ip,port,ip | add a 1.2.3.4,80,5.6.7.0/31 ; FAIL 2 Syntax error: plain IP address must be supplied: 5.6.7.0/31
create a hash:ip,port,net | add a 1.2.3.4,80,5.6.7.0/24 | add a 1.2.3.4,80,9.0.0.1-9.0.0.4 ; OK ; a 1.2.3.4,tcp:80,5.6.7.0/24 | a 1.2.3.4,tcp:80,9.0.0.1 | a 1.2.3.4,tcp:80,9.0.0.2/31 | a 1.2.3.4,tcp:80,9.0.0.4
create a hash:ip,port,net | add a 1.2.3.4,80,0.0.0.0/0 ; FAIL 2 The value of the CIDR parameter of the IP address is invalid
create a hash:net,port | add a 1.2.3.4/8,80-82 | add a 0.0.0.0/0,80 ; FAIL 3 The value of the CIDR parameter of the IP address is invalid
create a hash:net,iface | add a 1.2.3.4/8,eth0 | add a 0.0.0.0/0,eth1 | add a 1.1.1.1,physdev:eth2 | add a 2.0.0.0-2.0.0.3,lo nomatch ; OK ; a 0.0.0.0/0,eth1 | a 1.0.0.0/8,eth0 | a 1.1.1.1,physdev:eth2 | a 2.0.0.0/30,lo nomatch
create a hash:net,iface | add a 1.2.3.4/8,abcdefghijklmnopq ; FAIL 2 Syntax error: interface name 'abcdefghijklmnopq' is longer than 15 characters
create a bitmap:ip range 10.0.0.0/24 | add a 10.0.0.5-10.0.0.7 | add a 10.0.0.16/30 | add a 10.0.1.0 ; FAIL 4 Element is out of the range of the set
create a bitmap:ip range 10.0.0.0-10.0.0.9 timeout 7 counters | add a 10.0.0.5 ; OK ; a 10.0.0.5 packets 0 bytes 0
create a bitmap:ip range 10.0.0.0/16 netmask 24 | add a 10.0.5.3 ; OK ; a 10.0.5.0
create a bitmap:ip range 10.0.0.0/8 ; FAIL 1 The range you specified exceeds the size limit of the set type
create a bitmap:ip range 10.0.0.0/15 ; FAIL 1 The range you specified exceeds the size limit of the set type
create a bitmap:ip range 10.0.0.9-10.0.0.1 | add a 10.0.0.3 ; OK ; a 10.0.0.3
create a bitmap:ip ; FAIL - Mandatory option `range' is missing
create a bitmap:ip,mac range 10.0.0.0/24 | add a 10.0.0.1,00:11:22:aa:bb:cc | add a 10.0.0.2 ; OK ; a 10.0.0.1,00:11:22:AA:BB:CC | a 10.0.0.2
create a bitmap:ip,mac range 10.0.0.0/24 | add a 10.0.0.1,00:11 ; FAIL 2 Syntax error: cannot parse '00:11' as ethernet address
create a bitmap:ip,mac range 10.0.0.0/24 timeout 5 | add a 10.0.0.1,00:11:22:aa:bb:cc | add a 10.0.0.2 ; OK ; a 10.0.0.1,00:11:22:AA:BB:CC | a 10.0.0.2
create a bitmap:port range 10-20 | add a 12 | add a 14-16 | add a 30 ; FAIL 4 Element is out of the range of the set
create a bitmap:port range 0-65535 | add a tcp:12 | add a udp:13 | add a ssh ; OK ; a 12 | a 13 | a 22
create l list:set size 4 | create a hash:ip | add l a | create b hash:ip | add l b before a | add l b after a ; FAIL 6 Element cannot be added to the set: it's already added
create l list:set | add l nosuch ; FAIL 2 Set to be added/deleted/tested as element does not exist.
create l list:set | create m list:set | add l m ; FAIL 3 Sets with list:set type cannot be added to the set.
create l list:set size 1 | create a hash:ip | create b hash:ip | add l a | add l b ; OK ; l a | l b
create l list:set timeout 5 counters skbinfo comment | create a hash:ip | add l a timeout 3 comment "q" ; OK ; l a packets 0 bytes 0
creat a hash:ip ; OK ;
-N a iphash ; OK ;
create a hash:ip hashsize 10 bucketsize 3 initval 0x12 ; OK ;
create a hash:ip hashsize 5000 bucketsize 20 ; OK ;
# comment |  | create a hash:ip | COMMIT ; OK ;
create a hash:ip | del a 1.1.1.1 ; FAIL 2 Element cannot be deleted from the set: it's not added
create aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa hash:ip ; FAIL 1 Syntax error: setname 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is longer than 31 characters
create a ; FAIL - Missing second mandatory argument to command create
add ; FAIL - Missing mandatory argument to command add
create a hash:ip | add a ; FAIL - Missing second mandatory argument to command add
create a hash:ip comment | add a 1.1.1.1 comment "unfinished ; FAIL - Missing mandatory argument of option `comment'
create a hash:ip |   add   a    1.1.1.1   ; OK ; a 1.1.1.1
create l list:set | create a hash:ip | add l a before nosuch ; FAIL 3 The set to which you referred with 'before' or 'after' does not exist.
create l list:set | create a hash:ip | create b hash:ip | add l a before b ; FAIL 4 The set to which you referred with 'before' or 'after' is not added to the set.
-N a iphash | -A a 1.1.1.1 ; OK ; a 1.1.1.1
create a hash:ip | add a 1.1.1.1 | del a 1.1.1.1 | flush a ; OK ;
create a hash:ip skbinfo | add a 1.2.3.4 skbmark 0x10/0xff skbprio 1:10 skbqueue 3 | add a 1.2.3.5 skbmark 0x7 | add a 1.2.3.6 ; OK ; a 1.2.3.4 skbmark 0x10/0xff skbprio 1:10 skbqueue 3 | a 1.2.3.5 skbmark 0x7 | a 1.2.3.6
create a hash:ip skbinfo | add a 1.2.3.4 skbprio 10 ; FAIL 2 Syntax error: Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)
create a hash:net,iface | add a 1.2.3.4/8, ; FAIL 2 Syntax error: Second element is missing from 1.2.3.4/8,.
create a hash:ip,port | add a 1.2.3.4,icmp:8/0 | add a 1.2.3.4,icmp:echo-reply | add a 1.2.3.4,sctp:5 | add a 1.2.3.4,http | add a 1.2.3.4,gre:0 | add a 1.2.3.4,udplite:9 | add a 1.2.3.4,50:0 ; OK ; a 1.2.3.4,esp:0 | a 1.2.3.4,gre:0 | a 1.2.3.4,icmp:echo-reply | a 1.2.3.4,icmp:echo-request | a 1.2.3.4,sctp:5 | a 1.2.3.4,tcp:80 | a 1.2.3.4,udplite:9
create a hash:ip,port | add a 1.2.3.4,icmp:8 ; FAIL 2 Cannot parse 8 as an ICMP type/code.
create a hash:ip,port | add a 1.2.3.4,icmp:foo ; FAIL 2 Cannot parse foo as an ICMP type/code.
create a hash:ip,port | add a 1.2.3.4,icmp:300/0 ; FAIL 2 Syntax error: '300' is out of range 0-255
create a hash:ip,port family inet6 | add a ::1,icmpv6:foo ; FAIL 2 Cannot parse foo as an ICMPv6 type/code.
create a hash:ip,port,ip | add a 1.2.3.4,80 ; FAIL 2 Syntax error: Third element is missing from 1.2.3.4,80.
create a hash:ip | add a 1.2.3.4,80 ; FAIL 2 Syntax error: Elem separator in 1.2.3.4,80, but settype hash:ip supports none.
create a hash:ip,port,ip | add a 1.2.3.4,80,1.1.1.1,2 ; FAIL 2 Syntax error: Three elem separators in 1.2.3.4,80,1.1.1.1,2, but settype hash:ip,port,ip supports two.
create a hash:ip | add a 1.2.3.4 timeout ; FAIL - Missing mandatory argument of option `timeout'
create a hash:ip timeout 5 | add a 1.2.3.4 timeout x ; FAIL 2 Syntax error: 'x' is invalid as number
create a hash:ip timeout 5 | add a 1.2.3.4 timeout -1 ; FAIL 2 Syntax error: '-1' is out of range 0-2147483
create a hash:ip timeout 010 ; OK ;
create a hash:ip maxelem 0 | add a 1.1.1.1 ; FAIL 2 Hash is full, cannot add more elements
create a hash:ip family inet6 netmask 129 ; FAIL 1 Syntax error: netmask is out of the inclusive range of 1-128
create a hash:ip family inet6 netmask 64 | add a 2001:db8::5 ; OK ; a 2001:db8::
create a hash:ip family inet6 bitmask ffff::ffff | add a 2001:db8::5 ; OK ; a 2001::5
create a hash:ip -6 | add a ::5 ; OK ; a ::5
create a hash:ip inet6 | add a ::5 ; FAIL - Unknown argument: `inet6'
create a hash:ip netmask 24 | add a 1.1.1.1 | add a 1.1.1.2 ; FAIL 3 Element cannot be added to the set: it's already added
create a hash:ip netmask 24 | add a 1.1.1.1-1.1.2.3 ; OK ; a 1.1.1.0 | a 1.1.2.0
create a hash:ip bitmask 0.0.0.255 | add a 1.1.1.0 ; FAIL 2 Null-valued element, cannot be stored in a hash type of set
create a hash:net | add a 1.1.1.0/24 | add a 1.1.1.7/24 ; FAIL 3 Element cannot be added to the set: it's already added
create a hash:net | add a 0.0.0.0-255.255.255.255 ; FAIL 2 Invalid range, covers the whole address space
create a hash:ip | add a 0.0.0.0/0 ; FAIL 2 Null-valued element, cannot be stored in a hash type of set
create a bitmap:port range 20-10 | add a 15 ; OK ; a 15
create a bitmap:port range 20 | add a 20 ; FAIL - Mandatory option `to' is missing
create a bitmap:port range 10-70000 ; FAIL - cannot parse '70000' as a tcp port
create a bitmap:ip range 10.0.0.0/24 family inet ; FAIL - Unknown argument: `family'
create a bitmap:ip range 10.0.0.7/24 | add a 10.0.0.3 ; OK ; a 10.0.0.3
create a bitmap:ip range 10.0.0.7-10.0.0.9 netmask 24 ; FAIL 1 Element is out of the range of the set
create a bitmap:ip range 10.0.0.7-10.0.3.9 netmask 24 | add a 10.0.1.1 ; OK ; a 10.0.1.0
create a bitmap:ip range 10.0.0.0-10.0.3.255 netmask 24 | add a 10.0.1.1 | add a 10.0.1.2 ; FAIL 3 Element cannot be added to the set: it's already added
create a bitmap:ip range 10.0.0.1 ; FAIL 1 Syntax error: IP/cidr or IP-IP range must be specified: 10.0.0.1
create a bitmap:ip range ::1 ; FAIL 1 Syntax error: IP/cidr or IP-IP range must be specified: ::1
create a bitmap:ip,mac range 10.0.0.0/24 | add a 10.0.0.1-10.0.0.3,00:11:22:33:44:55 ; FAIL 2 Syntax error: plain IP address must be supplied: 10.0.0.1-10.0.0.3
create a bitmap:ip,mac range 10.0.0.0/24 | add a 10.0.0.1,00:00:00:00:00:00 ; OK ; a 10.0.0.1,00:00:00:00:00:00
create a bitmap:ip,mac range 10.0.0.0/24 | add a 10.0.0.1,1:2:3:4:5:6 ; OK ; a 10.0.0.1,01:02:03:04:05:06
-exist create a hash:ip | add a 1.1.1.1 ; OK ; a 1.1.1.1
create a hash:ip -exist | add a 1.1.1.1 | add a 1.1.1.1 -exist ; OK ; a 1.1.1.1
create a hash:ip | add a 1.1.1.1 -exist | add -exist a 1.1.1.1 ; OK ; a 1.1.1.1
add a 1.1.1.1 | create a hash:ip ; FAIL 1 The set with the given name does not exist
create a hash:ip | destroy a ; OK ;
create a hash:ip | destroy b ; FAIL 2 The set with the given name does not exist
create a hash:ip | flush b ; FAIL 2 The set with the given name does not exist
create a hash:ip comment | add a 1.1.1.1 comment "it is #5" | add a 1.1.1.2 comment "" ; FAIL - Missing mandatory argument of option `comment'
create a hash:net,iface counters timeout 0 | add a 1.1.1.0/24,eth0 timeout 7 packets 1 bytes 2 nomatch ; OK ; a 1.1.1.0/24,eth0 nomatch packets 1 bytes 2
create a hash:net,port | add a 1.1.1.0/24,tcp:1 | add a 1.1.1.9-1.1.1.10,udp:7-8 nomatch ; OK ; a 1.1.1.0/24,tcp:1 | a 1.1.1.10,udp:7 nomatch | a 1.1.1.10,udp:8 nomatch | a 1.1.1.9,udp:7 nomatch | a 1.1.1.9,udp:8 nomatch
create a hash:ip,port,net | add a 1.1.1.1,tcp:1,1.1.1.1/24 nomatch | add a 1.1.1.1-1.1.1.2,udp:7-8,2.2.2.2 ; OK ; a 1.1.1.1,tcp:1,1.1.1.0/24 nomatch | a 1.1.1.1,udp:7,2.2.2.2 | a 1.1.1.1,udp:8,2.2.2.2 | a 1.1.1.2,udp:7,2.2.2.2 | a 1.1.1.2,udp:8,2.2.2.2
create a hash:ip,port,net family inet6 | add a ::1,tcp:1,2001::/16 | add a ::1,udp:7-8,::2 ; OK ; a ::1,tcp:1,2001::/16 | a ::1,udp:7,::2 | a ::1,udp:8,::2
create a hash:ip,port,ip family inet6 | add a ::1,tcp:1,2001:: ; OK ; a ::1,tcp:1,2001::
create a hash:net,iface family inet6 | add a ::/0,eth0 | add a 2001:db8::/32,physdev:eth1 ; OK ; a 2001:db8::/32,physdev:eth1 | a ::/0,eth0
create a hash:net,port family inet6 | add a 2001:db8::/32,icmpv6:packet-too-big | add a ::/0,tcp:1 ; FAIL 3 The value of the CIDR parameter of the IP address is invalid
create a hash:net,net | add a 1.1.1.0/24,2.2.0.0/16 | add a 0.0.0.0/0,1.1.1.1 nomatch ; OURS ; a 0.0.0.0/0,1.1.1.1 nomatch | a 1.1.1.0/24,2.2.0.0/16
create a hash:net,port,net | add a 1.1.1.0/24,tcp:5,2.2.0.0/16 ; OURS ; a 1.1.1.0/24,tcp:5,2.2.0.0/16
create a hash:mac | add a 00:11:22:33:44:55 ; OURS ; a 00:11:22:33:44:55
create a hash:ip,mac | add a 1.1.1.1,00:11:22:33:44:55 ; OURS ; a 1.1.1.1,00:11:22:33:44:55
create a hash:ip,mark markmask 0xff | add a 1.1.1.1,0x1234 ; OURS ; a 1.1.1.1,0x00000034
