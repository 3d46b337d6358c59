*mangle
:FORWARD
-p tcp -j TCPMSS ;  ; FAIL TCPMSS target: At least one parameter is required
-p tcp -j TCPMSS --set-mss 1400 ;  ; KERNEL xt_TCPMSS: Only works on TCP SYN packets
-p tcp --syn -j TCPMSS --set-mss 1400 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1400 ; OK ; tcp flags:0x17/0x02 TCPMSS set 1400
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu ; = ; OK ; tcp flags:0x06/0x02 TCPMSS clamp to PMTU
-p tcp -m tcp --tcp-flags SYN SYN -j TCPMSS --clamp-mss-to-pmtu ; = ; OK ; tcp flags:0x02/0x02 TCPMSS clamp to PMTU
-p tcp -m tcp ! --tcp-flags SYN SYN -j TCPMSS --clamp-mss-to-pmtu ;  ; KERNEL xt_TCPMSS: Only works on TCP SYN packets
-p tcp -m tcp --tcp-flags ALL SYN,ACK -j TCPMSS --clamp-mss-to-pmtu ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN,ACK -j TCPMSS --clamp-mss-to-pmtu ; OK ; tcp flags:0x3F/0x12 TCPMSS clamp to PMTU
:PREROUTING
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu ;  ; KERNEL xt_TCPMSS: path-MTU clamping only supported in FORWARD, OUTPUT and POSTROUTING hooks
:INPUT
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu ;  ; KERNEL xt_TCPMSS: path-MTU clamping only supported in FORWARD, OUTPUT and POSTROUTING hooks
:OUTPUT
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu ; = ; OK ; tcp flags:0x06/0x02 TCPMSS clamp to PMTU
*filter
:FORWARD
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu ; = ; OK ; tcp flags:0x06/0x02 TCPMSS clamp to PMTU
:FOO
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu ; = ; OK ; tcp flags:0x06/0x02 TCPMSS clamp to PMTU
*mangle
:FORWARD
-p tcp --syn -j TCPMSS --set-mss 0 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 0 ; OK ; tcp flags:0x17/0x02 TCPMSS set 0
-p tcp --syn -j TCPMSS --set-mss 65495 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 65495 ; OK ; tcp flags:0x17/0x02 TCPMSS set 65495
-p tcp --syn -j TCPMSS --set-mss 65496 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 65496 ; OK ; tcp flags:0x17/0x02 TCPMSS set 65496
-p tcp --syn -j TCPMSS --set-mss 65535 ;  ; FAIL TCPMSS: bad value for option "--set-mss", or out of range (0-65515).
-p tcp --syn -j TCPMSS --set-mss x ;  ; FAIL TCPMSS: bad value for option "--set-mss", or out of range (0-65515).
-p tcp --syn -j TCPMSS --set-mss 1000 --clamp-mss-to-pmtu ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --clamp-mss-to-pmtu ; OK ; tcp flags:0x17/0x02 TCPMSS clamp to PMTU
-j TCPMSS --set-mss 1400 ;  ; KERNEL x_tables: ip_tables: TCPMSS target: only valid for protocol 6
-p udp -j TCPMSS --set-mss 1400 ;  ; KERNEL x_tables: ip_tables: TCPMSS target: only valid for protocol 6
-j TCPMSS --foo ;  ; FAIL unknown option "--foo"
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu --set-mss 1000 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1000 ; OK ; tcp flags:0x17/0x02 TCPMSS set 1000
:PREROUTING
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu --set-mss 1000 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1000 ; OK ; tcp flags:0x17/0x02 TCPMSS set 1000
-p tcp --syn -j TCPMSS --set-mss 1000 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1000 ; OK ; tcp flags:0x17/0x02 TCPMSS set 1000
:FORWARD
-p tcp -m multiport --dports 1 -m tcp --syn -j TCPMSS --set-mss 1000 ; -p tcp -m multiport --dports 1 -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1000 ; OK ; multiport dports 1 tcp flags:0x17/0x02 TCPMSS set 1000
-p tcp -m tcp --tcp-flags SYN,ACK NONE -j TCPMSS --set-mss 1000 ;  ; KERNEL xt_TCPMSS: Only works on TCP SYN packets
-p tcp -m tcp ! --syn -m tcp --syn -j TCPMSS --set-mss 1000 ; -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1000 ; OK ; tcp flags:!0x17/0x02 tcp flags:0x17/0x02 TCPMSS set 1000
%6
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --clamp-mss-to-pmtu ; OK ; tcp flags:0x17/0x02 TCPMSS clamp to PMTU
-p tcp --syn -j TCPMSS --set-mss 65475 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 65475 ; OK ; tcp flags:0x17/0x02 TCPMSS set 65475
-p tcp --syn -j TCPMSS --set-mss 65476 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 65476 ; OK ; tcp flags:0x17/0x02 TCPMSS set 65476
-p tcp --syn -j TCPMSS --set-mss 65496 ;  ; FAIL TCPMSS: bad value for option "--set-mss", or out of range (0-65495).
-p tcp --syn -j TCPMSS --set-mss 65535 ;  ; FAIL TCPMSS: bad value for option "--set-mss", or out of range (0-65495).
