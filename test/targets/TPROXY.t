*mangle
:PREROUTING
-j TPROXY --on-port 1 ;  ; KERNEL xt_TPROXY: Can be used only with -p tcp or -p udp
-p tcp -j TPROXY --on-port 12345 ; -p tcp -j TPROXY --on-port 12345 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0 ; OK ; TPROXY redirect 0.0.0.0:12345 mark 0x0/0x0
-p tcp -j TPROXY --on-port 12345 --on-ip 10.0.0.1 ; -p tcp -j TPROXY --on-port 12345 --on-ip 10.0.0.1 --tproxy-mark 0x0/0x0 ; OK ; TPROXY redirect 10.0.0.1:12345 mark 0x0/0x0
-p tcp -j TPROXY --on-port 12345 --on-ip 10.0.0.1 --tproxy-mark 0x23/0xff ; = ; OK ; TPROXY redirect 10.0.0.1:12345 mark 0x23/0xff
-p udp -j TPROXY --on-port 12345 --on-ip 10.0.0.1 --tproxy-mark 0x23 ; -p udp -j TPROXY --on-port 12345 --on-ip 10.0.0.1 --tproxy-mark 0x23/0xffffffff ; OK ; TPROXY redirect 10.0.0.1:12345 mark 0x23/0xffffffff
-p tcp -j TPROXY --tproxy-mark 1/1 --on-port http ; -p tcp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1 ; OK ; TPROXY redirect 0.0.0.0:80 mark 0x1/0x1
-p tcp -j TPROXY --on-port 0 ; -p tcp -j TPROXY --on-port 0 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0 ; OK ; TPROXY redirect 0.0.0.0:0 mark 0x0/0x0
-p tcp -j TPROXY --on-port 65536 ; -p tcp -j TPROXY --on-port 0 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0 ; OK ; TPROXY redirect 0.0.0.0:0 mark 0x0/0x0
-p tcp -j TPROXY --on-port 70000 ; -p tcp -j TPROXY --on-port 4464 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0 ; OK ; TPROXY redirect 0.0.0.0:4464 mark 0x0/0x0
-p tcp -j TPROXY ;  ; FAIL TPROXY: option "--on-port" must be specified
-p tcp -j TPROXY --on-ip 10.0.0.1 ;  ; FAIL TPROXY: option "--on-port" must be specified
-p tcp -j TPROXY --on-port 1 --on-ip ::1 ;  ; FAIL getaddrinfo: Address family for hostname not supported
-p tcp -j TPROXY --on-port 1 --tproxy-mark foo ;  ; FAIL TPROXY: bad integer value for option "--tproxy-mark", or out of range.
-p tcp -j TPROXY --on-port 1 --on-port 2 ;  ; FAIL TPROXY: option "--on-port" can only be used once.
-p tcp -j TPROXY --on-port 1 --tproxy-mark 0/0 ; -p tcp -j TPROXY --on-port 1 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0 ; OK ; TPROXY redirect 0.0.0.0:1 mark 0x0/0x0
! -p tcp -j TPROXY --on-port 1 ;  ; KERNEL xt_TPROXY: Can be used only with -p tcp or -p udp
-p icmp -j TPROXY --on-port 1 ;  ; KERNEL xt_TPROXY: Can be used only with -p tcp or -p udp
-p 6 -j TPROXY --on-port 1 ; -p tcp -j TPROXY --on-port 1 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0 ; OK ; TPROXY redirect 0.0.0.0:1 mark 0x0/0x0
-p tcp -j TPROXY ! --on-port 1 ;  ; FAIL TPROXY: option "--on-port" cannot be inverted.
:FORWARD
-p tcp -j TPROXY --on-port 1 ;  ; KERNEL x_tables: ip_tables: TPROXY target: used from hooks FORWARD, but only usable from PREROUTING
*filter
:INPUT
-p tcp -j TPROXY --on-port 1 ;  ; KERNEL x_tables: ip_tables: TPROXY target: only valid in mangle table, not filter
%6
*mangle
:PREROUTING
-p tcp -j TPROXY --on-port 12345 --on-ip 2001:db8::1 --tproxy-mark 0x23/0xff ; = ; OK ; TPROXY redirect 2001:db8::1:12345 mark 0x23/0xff
-p udp -j TPROXY --on-port 12345 ; -p udp -j TPROXY --on-port 12345 --on-ip :: --tproxy-mark 0x0/0x0 ; OK ; TPROXY redirect :::12345 mark 0x0/0x0
-p tcp -j TPROXY --on-port 1 --on-ip 10.0.0.1 ;  ; FAIL getaddrinfo: Address family for hostname not supported
-p icmpv6 -j TPROXY --on-port 1 ;  ; KERNEL xt_TPROXY: Can be used only with -p tcp or -p udp
