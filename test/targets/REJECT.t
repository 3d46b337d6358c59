:INPUT
-j REJECT ; -j REJECT --reject-with icmp-port-unreachable ; OK ; reject-with icmp-port-unreachable
-p tcp -j REJECT --reject-with tcp-reset ; = ; OK ; reject-with tcp-reset
-p tcp -j REJECT --reject-with tcp-rst ; -p tcp -j REJECT --reject-with tcp-reset ; OK ; reject-with tcp-reset
-j REJECT --reject-with icmp ; -j REJECT --reject-with icmp-net-unreachable ; OK ; reject-with icmp-net-unreachable
-j REJECT --reject-with icmp-net-unreach ; -j REJECT --reject-with icmp-net-unreachable ; OK ; reject-with icmp-net-unreachable
-j REJECT --reject-with net-unreach ; -j REJECT --reject-with icmp-net-unreachable ; OK ; reject-with icmp-net-unreachable
-j REJECT --reject-with host-unreach ; -j REJECT --reject-with icmp-host-unreachable ; OK ; reject-with icmp-host-unreachable
-j REJECT --reject-with proto-unreach ; -j REJECT --reject-with icmp-proto-unreachable ; OK ; reject-with icmp-proto-unreachable
-j REJECT --reject-with port-unreach ; -j REJECT --reject-with icmp-port-unreachable ; OK ; reject-with icmp-port-unreachable
-j REJECT --reject-with net-prohib ; -j REJECT --reject-with icmp-net-prohibited ; OK ; reject-with icmp-net-prohibited
-j REJECT --reject-with host-prohib ; -j REJECT --reject-with icmp-host-prohibited ; OK ; reject-with icmp-host-prohibited
-j REJECT --reject-with admin-prohib ; -j REJECT --reject-with icmp-admin-prohibited ; OK ; reject-with icmp-admin-prohibited
-j REJECT --reject-with icmp-proto-unreachable ; = ; OK ; reject-with icmp-proto-unreachable
-j REJECT --reject-with icmp-admin-prohibited ; = ; OK ; reject-with icmp-admin-prohibited
-j REJECT --reject-with ICMP-NET-UNREACHABLE ; -j REJECT --reject-with icmp-net-unreachable ; OK ; reject-with icmp-net-unreachable
-j REJECT --reject icmp-host-unreachable ; -j REJECT --reject-with icmp-host-unreachable ; OK ; reject-with icmp-host-unreachable
-j REJECT --reject-with tcp-reset ;  ; KERNEL ipt_REJECT: TCP_RESET invalid for non-tcp
! -p tcp -j REJECT --reject-with tcp-reset ;  ; KERNEL ipt_REJECT: TCP_RESET invalid for non-tcp
-p udp -j REJECT --reject-with tcp ;  ; KERNEL ipt_REJECT: TCP_RESET invalid for non-tcp
-j REJECT --reject-with foo ;  ; FAIL unknown reject type "foo"
-j REJECT --reject-with echo-reply ;  ; FAIL unknown reject type "echo-reply"
-j REJECT --reject-with echoreply ;  ; FAIL unknown reject type "echoreply"
-j REJECT --reject-with net-unreach --reject-with net-unreach ;  ; FAIL REJECT: option "--reject-with" can only be used once.
-j REJECT ! --reject-with net-unreach ;  ; FAIL REJECT: option "--reject-with" cannot be inverted.
-j REJECT --reject-with ;  ; FAIL option "--reject-with" requires an argument
-g REJECT ;  ; FAIL goto 'REJECT' is not a chain
*mangle
-j REJECT ;  ; KERNEL x_tables: ip_tables: REJECT target: only valid in filter table, not mangle
*nat
-j REJECT ;  ; KERNEL x_tables: ip_tables: REJECT target: only valid in filter table, not nat
*raw
:PREROUTING
-j REJECT ;  ; KERNEL x_tables: ip_tables: REJECT target: only valid in filter table, not raw
%6
*filter
:INPUT
-j REJECT ; -j REJECT --reject-with icmp6-port-unreachable ; OK ; reject-with icmp6-port-unreachable
-p tcp -j REJECT --reject-with tcp-reset ; = ; OK ; reject-with tcp-reset
-j REJECT --reject-with icmp6-port-unreachable ; = ; OK ; reject-with icmp6-port-unreachable
-j REJECT --reject-with port-unreach ; -j REJECT --reject-with icmp6-port-unreachable ; OK ; reject-with icmp6-port-unreachable
-j REJECT --reject-with adm-prohibited ; -j REJECT --reject-with icmp6-adm-prohibited ; OK ; reject-with icmp6-adm-prohibited
-j REJECT --reject-with no-route ; -j REJECT --reject-with icmp6-no-route ; OK ; reject-with icmp6-no-route
-j REJECT --reject-with addr-unreach ; -j REJECT --reject-with icmp6-addr-unreachable ; OK ; reject-with icmp6-addr-unreachable
-j REJECT --reject-with policy-fail ; -j REJECT --reject-with icmp6-policy-fail ; OK ; reject-with icmp6-policy-fail
-j REJECT --reject-with reject-route ; -j REJECT --reject-with icmp6-reject-route ; OK ; reject-with icmp6-reject-route
-j REJECT --reject-with icmp6-policy-fail ; = ; OK ; reject-with icmp6-policy-fail
-j REJECT --reject-with icmp6 ; -j REJECT --reject-with icmp6-no-route ; OK ; reject-with icmp6-no-route
-j REJECT --reject-with admin-prohibited ;  ; FAIL unknown reject type "admin-prohibited"
-j REJECT --reject-with icmp-port-unreachable ;  ; FAIL unknown reject type "icmp-port-unreachable"
-j REJECT --reject-with tcp-reset ;  ; KERNEL ip6t_REJECT: TCP_RESET illegal for non-tcp
*mangle
-j REJECT ;  ; KERNEL x_tables: ip6_tables: REJECT target: only valid in filter table, not mangle
