*raw
:PREROUTING
-j CT ; = ; OK ; CT
*filter
:FORWARD
-j CT --notrack ;  ; KERNEL x_tables: ip_tables: CT target: only valid in raw table, not filter
*raw
:PREROUTING
-j CT --notrack ; = ; OK ; CT notrack
-j CT --notrack --zone 5 ; = ; OK ; CT notrack zone 5
-j CT --notrack --helper ftp ; = ; OK ; CT notrack helper ftp
-j CT --zone 5 ; = ; OK ; CT zone 5
-j CT --zone 65535 ; = ; OK ; CT zone 65535
-j CT --zone 65536 ;  ; FAIL Cannot parse 65536 as a zone ID
-j CT --zone 0 ; -j CT ; OK ; CT
-j CT --zone mark ; = ; OK ; CT zone mark
-j CT --zone foo ;  ; FAIL Cannot parse foo as a zone ID
-j CT --zone-orig 5 ; = ; OK ; CT zone-orig 5
-j CT --zone-reply 6 ; = ; OK ; CT zone-reply 6
-j CT --zone-orig mark ; = ; OK ; CT zone-orig mark
-j CT --zone-orig 5 --zone-reply 6 ; -j CT --zone 6 ; OK ; CT zone 6
-j CT --zone 5 --zone-orig 6 ; -j CT --zone-orig 6 ; OK ; CT zone-orig 6
-j CT --zone-orig mark --zone-reply mark ; -j CT --zone mark ; OK ; CT zone mark
-j CT --helper ftp ;  ; KERNEL xt_CT: You must specify a L4 protocol and not use inversions on it
-p tcp -j CT --helper ftp ; = ; OK ; CT helper ftp
-p tcp -j CT --helper nosuch ;  ; KERNEL xt_CT: No such helper "nosuch"
-p udp -j CT --helper ftp ;  ; KERNEL xt_CT: No such helper "ftp"
-p tcp -j CT --helper irc ; = ; OK ; CT helper irc
-p udp -j CT --helper sip ; = ; OK ; CT helper sip
-p udp -j CT --helper tftp ; = ; OK ; CT helper tftp
-p udp -j CT --helper amanda ; = ; OK ; CT helper amanda
-p udp -j CT --helper RAS ; = ; OK ; CT helper RAS
-p tcp -j CT --helper Q.931 ; = ; OK ; CT helper Q.931
-p tcp -j CT --helper pptp ; = ; OK ; CT helper pptp
-p tcp -j CT --helper sane ; = ; OK ; CT helper sane
-p udp -j CT --helper snmp ; = ; OK ; CT helper snmp
-p udp -j CT --helper netbios-ns ; = ; OK ; CT helper netbios-ns
-p tcp -j CT --helper sip ; = ; OK ; CT helper sip
! -p tcp -j CT --helper ftp ;  ; KERNEL xt_CT: You must specify a L4 protocol and not use inversions on it
-p tcp -j CT --helper abcdefghijklmnopq ;  ; KERNEL xt_CT: No such helper "abcdefghijklmno"
-j CT --timeout foo ;  ; KERNEL xt_CT: You must specify a L4 protocol and not use inversions on it
-j CT --ctevents new,related,destroy,reply,assured,protoinfo,helper,mark,natseqinfo,secmark ; = ; OK ; CT ctevents new,related,destroy,reply,assured,protoinfo,helper,mark,natseqinfo,secmark
-j CT --ctevents new ; = ; OK ; CT ctevents new
-j CT --ctevents foo ;  ; FAIL Unknown event type "foo"
-j CT --expevents new ; = ; OK ; CT expevents new
-j CT --expevents new, ;  ; FAIL Unknown event type ""
-j CT --expevents foo ;  ; FAIL Unknown event type "foo"
-j CT --ctevents "" ;  ; FAIL Unknown event type ""
-j CT ! --notrack ;  ; FAIL CT: option "--notrack" cannot be inverted.
-p tcp -j CT --helper ftp --zone 3 --ctevents new --expevents new ; -p tcp -j CT --helper ftp --ctevents new --expevents new --zone 3 ; OK ; CT helper ftp ctevents new expevents new zone 3
:OUTPUT
-p tcp -j CT --helper ftp ; = ; OK ; CT helper ftp
:PREROUTING
-j CT --zone-orig x ;  ; FAIL Cannot parse x as a zone ID
-j CT --helper aaaaaaaaaaaaaaaa ;  ; KERNEL xt_CT: You must specify a L4 protocol and not use inversions on it
-p tcp -j CT --helper "" ; -p tcp -j CT ; OK ; CT
-p tcp -j CT --timeout "" ; -p tcp -j CT ; OK ; CT
-j CT --zone 5 --zone-reply 7 ; -j CT --zone-reply 7 ; OK ; CT zone-reply 7
-j CT --zone-orig 5 --zone-reply mark ; -j CT --zone mark ; OK ; CT zone mark
-j CT --zone mark --zone-orig 5 ; -j CT --zone-orig mark ; OK ; CT zone-orig mark
-j CT --zone 0x10 ; -j CT --zone 16 ; OK ; CT zone 16
-j CT --zone 5x ;  ; FAIL Cannot parse 5x as a zone ID
-j CT --zone 3 --zone 4 ;  ; FAIL CT: option "--zone" can only be used once.
-j CT --notrack --ctevents new,mark ; = ; OK ; CT notrack ctevents new,mark
-p tcp -j CT --ctevents destroy,new,new ; -p tcp -j CT --ctevents new,destroy ; OK ; CT ctevents new,destroy
-j CT --zone 5 --notrack --zone-orig 9 ; -j CT --notrack --zone-orig 9 ; OK ; CT notrack zone-orig 9
-j CT --zone-orig 0 ; -j CT ; OK ; CT
-j CT --zone-reply 0 ; -j CT ; OK ; CT
-j CT --zone-orig 0 --zone-reply 0 ; -j CT ; OK ; CT
-p udp -j CT --helper snmp_trap ; = ; OK ; CT helper snmp_trap
-p tcp -j CT --helper H.245 ;  ; KERNEL xt_CT: No such helper "H.245"
-p tcp -j CT --helper RAS ;  ; KERNEL xt_CT: No such helper "RAS"
-p udp -j CT --helper irc ;  ; KERNEL xt_CT: No such helper "irc"
-p tcp -j CT --helper tftp ;  ; KERNEL xt_CT: No such helper "tftp"
-p tcp -j CT --helper FTP ;  ; KERNEL xt_CT: No such helper "FTP"
-p tcp -j CT --helper ftp-21 ;  ; KERNEL xt_CT: No such helper "ftp-21"
-p udp -j CT --helper dhcpv6 ;  ; KERNEL xt_CT: No such helper "dhcpv6"
-p tcp -j CT --helper rpc ;  ; KERNEL xt_CT: No such helper "rpc"
-p udp -j CT --helper mdns ;  ; KERNEL xt_CT: No such helper "mdns"
-p tcp -j CT --helper RTSP ;  ; KERNEL xt_CT: No such helper "RTSP"
%6
-p tcp -j CT --helper ftp ; = ; OK ; CT helper ftp
-p tcp -j CT --helper irc ;  ; KERNEL xt_CT: No such helper "irc"
-p udp -j CT --helper sip ; = ; OK ; CT helper sip
-p udp -j CT --helper tftp ; = ; OK ; CT helper tftp
-p udp -j CT --helper amanda ; = ; OK ; CT helper amanda
-p udp -j CT --helper RAS ; = ; OK ; CT helper RAS
-p tcp -j CT --helper Q.931 ; = ; OK ; CT helper Q.931
-p tcp -j CT --helper pptp ;  ; KERNEL xt_CT: No such helper "pptp"
-p tcp -j CT --helper sane ; = ; OK ; CT helper sane
-p udp -j CT --helper snmp ;  ; KERNEL xt_CT: No such helper "snmp"
-p udp -j CT --helper snmp_trap ;  ; KERNEL xt_CT: No such helper "snmp_trap"
-p udp -j CT --helper netbios-ns ;  ; KERNEL xt_CT: No such helper "netbios-ns"
-p tcp -j CT --helper sip ; = ; OK ; CT helper sip
