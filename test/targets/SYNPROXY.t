-p tcp -m tcp --syn -j SYNPROXY ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SYNPROXY ; OK ; tcp flags:0x17/0x02 SYNPROXY
-p tcp -j SYNPROXY --sack-perm --timestamp --mss 1460 --wscale 9 ; -p tcp -j SYNPROXY --sack-perm --timestamp --wscale 9 --mss 1460 ; OK ; SYNPROXY sack-perm timestamp wscale 9 mss 1460
-p tcp -j SYNPROXY --wscale 9 --mss 1460 --ecn ; = ; OK ; SYNPROXY wscale 9 mss 1460 ecn
-p tcp -j SYNPROXY --mss 65536 ; -p tcp -j SYNPROXY --mss 0 ; OK ; SYNPROXY mss 0
-p tcp -j SYNPROXY --mss 0 ; = ; OK ; SYNPROXY mss 0
-p tcp -j SYNPROXY --wscale 15 ; = ; OK ; SYNPROXY wscale 15
-p tcp -j SYNPROXY --wscale 14 ; = ; OK ; SYNPROXY wscale 14
-p tcp -j SYNPROXY --wscale 0 ; = ; OK ; SYNPROXY wscale 0
-p tcp -j SYNPROXY --ecn ; = ; OK ; SYNPROXY ecn
-p tcp -j SYNPROXY --mss 1 --mss 2 ;  ; FAIL SYNPROXY: option "--mss" can only be used once.
-j SYNPROXY ;  ; KERNEL ipt_SYNPROXY: only valid for protocol tcp
-p udp -j SYNPROXY ;  ; KERNEL ipt_SYNPROXY: only valid for protocol tcp
! -p tcp -j SYNPROXY ;  ; KERNEL ipt_SYNPROXY: only valid for protocol tcp
:FORWARD
-p tcp -j SYNPROXY --mss 1460 ; = ; OK ; SYNPROXY mss 1460
:OUTPUT
-p tcp -j SYNPROXY --mss 1460 ;  ; KERNEL x_tables: ip_tables: SYNPROXY target: used from hooks OUTPUT, but only usable from INPUT/FORWARD
%6
:INPUT
-p tcp -j SYNPROXY --mss 1440 --sack-perm ; -p tcp -j SYNPROXY --sack-perm --mss 1440 ; OK ; SYNPROXY sack-perm mss 1440
