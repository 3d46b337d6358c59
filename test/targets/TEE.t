*mangle
:PREROUTING
-j TEE --gateway 192.0.2.9 ; = ; OK ; TEE gw:192.0.2.9
-j TEE --gateway 192.0.2.9 --oif eth0 ; = ; OK ; TEE gw:192.0.2.9 oif=eth0
-j TEE --oif eth0 --gateway 192.0.2.9 ; -j TEE --gateway 192.0.2.9 --oif eth0 ; OK ; TEE gw:192.0.2.9 oif=eth0
-j TEE ;  ; FAIL TEE: option "--gateway" must be specified
-j TEE --gateway 0.0.0.0 ;  ; KERNEL xt_TEE: the gateway is the unspecified address
-j TEE --gateway ::1 ;  ; FAIL getaddrinfo: Address family for hostname not supported
-j TEE --gateway 192.0.2.9 --oif abcdefghijklmnop ; -j TEE --gateway 192.0.2.9 --oif abcdefghijklmno ; OK ; TEE gw:192.0.2.9 oif=abcdefghijklmno
-j TEE --gateway 192.0.2.9 --oif "" ; -j TEE --gateway 192.0.2.9 ; OK ; TEE gw:192.0.2.9
-j TEE --gateway 1.1.1.1 --gateway 2.2.2.2 ;  ; FAIL TEE: option "--gateway" can only be used once.
*filter
:INPUT
-j TEE --gateway 192.0.2.9 ; = ; OK ; TEE gw:192.0.2.9
%6
*mangle
:PREROUTING
-j TEE --gateway 2001:db8::9 ; = ; OK ; TEE gw:2001:db8::9
-j TEE --gateway :: ;  ; KERNEL xt_TEE: the gateway is the unspecified address
-j TEE --gateway 192.0.2.9 ;  ; FAIL getaddrinfo: Address family for hostname not supported
-j TEE --gateway 2001:db8::9 --oif eth1 ; = ; OK ; TEE gw:2001:db8::9 oif=eth1
