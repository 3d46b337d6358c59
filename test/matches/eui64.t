%6
:FORWARD
-m eui64 ; = ; OK ; eui64
-m eui64 --foo ;  ; FAIL unknown option "--foo"
:OUTPUT
-m eui64 ;  ; KERNEL x_tables: ip6_tables: eui64 match: used from hooks OUTPUT, but only valid from PREROUTING/INPUT/FORWARD
:INPUT
-m eui64 ; = ; OK ; eui64
:FORWARD
-m eui64 -j ACCEPT ; = ; OK ; eui64
*mangle
:POSTROUTING
-m eui64 ;  ; KERNEL x_tables: ip6_tables: eui64 match: used from hooks POSTROUTING, but only valid from PREROUTING/INPUT/FORWARD
