:INPUT
-m mac --mac-source 02:00:00:00:00:01 ; = ; OK ; MAC 02:00:00:00:00:01
-m mac ! --mac-source 02:00:00:00:00:01 ; = ; OK ; MAC ! 02:00:00:00:00:01
-m mac --mac-source 1:2:3:4:5:6 ; -m mac --mac-source 01:02:03:04:05:06 ; OK ; MAC 01:02:03:04:05:06
-m mac --mac-source :2:3:4:5:6 ; -m mac --mac-source 00:02:03:04:05:06 ; OK ; MAC 00:02:03:04:05:06
-m mac --mac-source AA:bb:CC:dd:EE:ff ; -m mac --mac-source aa:bb:cc:dd:ee:ff ; OK ; MAC aa:bb:cc:dd:ee:ff
-m mac --mac-source 001:2:3:4:5:6 ;  ; FAIL Invalid MAC address specified.
-m mac --mac-source 02:00:00:00:00 ;  ; FAIL Invalid MAC address specified.
-m mac --mac-source 02:00:00:00:00:01:02 ;  ; FAIL Invalid MAC address specified.
-m mac --mac-source 02-00-00-00-00-01 ;  ; FAIL Invalid MAC address specified.
-m mac --mac-source gg:00:00:00:00:01 ;  ; FAIL Invalid MAC address specified.
-m mac --mac-source 1:2:3:4:5:6 --mac-source 1:2:3:4:5:6 ;  ; FAIL mac: option "--mac-source" can only be used once.
-m mac ;  ; FAIL mac: option "--mac-source" must be specified
:OUTPUT
-m mac --mac-source 02:00:00:00:00:01 ;  ; KERNEL x_tables: ip_tables: mac match: used from hooks OUTPUT, but only valid from PREROUTING/INPUT/FORWARD
:FORWARD
-m mac --mac-source 02:00:00:00:00:01 ; = ; OK ; MAC 02:00:00:00:00:01
*mangle
:PREROUTING
-m mac --mac-source 02:00:00:00:00:01 ; = ; OK ; MAC 02:00:00:00:00:01
:POSTROUTING
-m mac --mac-source 02:00:00:00:00:01 ;  ; KERNEL x_tables: ip_tables: mac match: used from hooks POSTROUTING, but only valid from PREROUTING/INPUT/FORWARD
%6
*filter
:INPUT
-m mac --mac-source 02:00:00:00:00:01 ; = ; OK ; MAC 02:00:00:00:00:01
:OUTPUT
-m mac --mac-source 02:00:00:00:00:01 ;  ; KERNEL x_tables: ip6_tables: mac match: used from hooks OUTPUT, but only valid from PREROUTING/INPUT/FORWARD
