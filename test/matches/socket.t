*mangle
:PREROUTING
-m socket ; = ; OK ; socket
-m socket --transparent ; = ; OK ; socket --transparent
-m socket --nowildcard ; = ; OK ; socket --nowildcard
-m socket --transparent --nowildcard ; = ; OK ; socket --transparent --nowildcard
-m socket --nowildcard --transparent --restore-skmark ; -m socket --transparent --nowildcard --restore-skmark ; OK ; socket --transparent --nowildcard --restore-skmark
-m socket --restore-skmark ; = ; OK ; socket --restore-skmark
-m socket --transparent --transparent ;  ; FAIL socket: option "--transparent" can only be used once.
-m socket ! --transparent ;  ; FAIL socket: option "--transparent" cannot be inverted.
-m socket --foo ;  ; FAIL unknown option "--foo"
-p tcp -m socket --transparent -j MARK --set-mark 1 ; -p tcp -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff ; OK ; socket --transparent MARK set 0x1
:INPUT
-m socket ; = ; OK ; socket
:FORWARD
-m socket ;  ; KERNEL x_tables: ip_tables: socket match: used from hooks FORWARD, but only valid from PREROUTING/INPUT
*filter
:INPUT
-m socket --transparent ; = ; OK ; socket --transparent
:OUTPUT
-m socket ;  ; KERNEL x_tables: ip_tables: socket match: used from hooks OUTPUT, but only valid from PREROUTING/INPUT
*raw
:PREROUTING
-m socket ; = ; OK ; socket
%6
*mangle
:PREROUTING
-m socket --transparent --nowildcard --restore-skmark ; = ; OK ; socket --transparent --nowildcard --restore-skmark
