*mangle
:FORWARD
-j CLASSIFY --set-class 1:2 ; -j CLASSIFY --set-class 0001:0002 ; OK ; CLASSIFY set 1:2
-j CLASSIFY --set-class 1:ffff ; -j CLASSIFY --set-class 0001:ffff ; OK ; CLASSIFY set 1:ffff
-j CLASSIFY --set-class ffff:abcd ; = ; OK ; CLASSIFY set ffff:abcd
-j CLASSIFY --set-class 1 ;  ; FAIL Bad class value "1"
-j CLASSIFY --set-class 10000:1 ; -j CLASSIFY --set-class 0000:0001 ; OK ; CLASSIFY set 0:1
-j CLASSIFY ;  ; FAIL CLASSIFY: option "--set-class" must be specified
:OUTPUT
-j CLASSIFY --set-class 1:2 ; -j CLASSIFY --set-class 0001:0002 ; OK ; CLASSIFY set 1:2
:POSTROUTING
-j CLASSIFY --set-class 00f1:0002 ; = ; OK ; CLASSIFY set f1:2
*filter
:FORWARD
-j CLASSIFY --set-class 1:2 ; -j CLASSIFY --set-class 0001:0002 ; OK ; CLASSIFY set 1:2
:INPUT
-j CLASSIFY --set-class 1:2 ;  ; KERNEL x_tables: ip_tables: CLASSIFY target: used from hooks INPUT, but only usable from FORWARD/OUTPUT/POSTROUTING
*mangle
:FORWARD
-j CLASSIFY --set-class x:y ;  ; FAIL Bad class value "x:y"
-j CLASSIFY --set-class 1:2:3 ; -j CLASSIFY --set-class 0001:0002 ; OK ; CLASSIFY set 1:2
-j CLASSIFY --set-class 1: ;  ; FAIL Bad class value "1:"
-j CLASSIFY --set-class 0x1:2 ; -j CLASSIFY --set-class 0001:0002 ; OK ; CLASSIFY set 1:2
-j CLASSIFY --set-class :2 ;  ; FAIL Bad class value ":2"
:FOO
-j CLASSIFY --set-class 0:0 ; -j CLASSIFY --set-class 0000:0000 ; OK ; CLASSIFY set 0:0
*raw
:PREROUTING
-j CLASSIFY --set-class 1:2 ;  ; KERNEL x_tables: ip_tables: CLASSIFY target: used from hooks PREROUTING, but only usable from FORWARD/OUTPUT/POSTROUTING
:OUTPUT
-j CLASSIFY --set-class 1:2 ; -j CLASSIFY --set-class 0001:0002 ; OK ; CLASSIFY set 1:2
*nat
:POSTROUTING
-j CLASSIFY --set-class 1:2 ; -j CLASSIFY --set-class 0001:0002 ; OK ; CLASSIFY set 1:2
*mangle
:PREROUTING
-j CLASSIFY --set-class 1:2 ;  ; KERNEL x_tables: ip_tables: CLASSIFY target: used from hooks PREROUTING, but only usable from FORWARD/OUTPUT/POSTROUTING
