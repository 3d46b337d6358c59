:FORWARD
-m devgroup ;  ; FAIL devgroup match: You must specify either '--src-group' or '--dst-group'
-m devgroup --src-group 1 ; -m devgroup --src-group 0x1 ; OK ; src-group 0x1
-m devgroup ! --src-group 0xc/0xc ; = ; OK ; ! src-group 0xc/0xc
-m devgroup --dst-group 1 ; -m devgroup --dst-group 0x1 ; OK ; dst-group 0x1
-m devgroup --src-group 1 --dst-group 2 ; -m devgroup --src-group 0x1 --dst-group 0x2 ; OK ; src-group 0x1 dst-group 0x2
-m devgroup --src-group x ;  ; FAIL devgroup: could not map name x to an integer value for option "--src-group".
:OUTPUT
-m devgroup --src-group 1 ;  ; KERNEL xt_devgroup: --src-group in a chain whose packets have no incoming interface
:INPUT
-m devgroup --dst-group 1 ;  ; KERNEL xt_devgroup: --dst-group in a chain whose packets have no outgoing interface
-m devgroup --src-group 1 ; -m devgroup --src-group 0x1 ; OK ; src-group 0x1
:OUTPUT
-m devgroup --dst-group 1 ; -m devgroup --dst-group 0x1 ; OK ; dst-group 0x1
:FORWARD
-m devgroup --src-group default ; = ; OK ; src-group 0x0
-m devgroup --src-group 1/x ;  ; FAIL devgroup: bad integer value for option "--src-group", or out of range.
-m devgroup --src-group 1/ ;  ; FAIL devgroup: bad integer value for option "--src-group", or out of range.
-m devgroup --src-group 1x ;  ; FAIL devgroup: could not map name 1x to an integer value for option "--src-group".
-m devgroup --src-group 4294967296 ;  ; FAIL devgroup: could not map name 4294967296 to an integer value for option "--src-group".
-m devgroup --src-group 1 --src-group 2 ;  ; FAIL devgroup: option "--src-group" can only be used once.
-m devgroup --src-group 0 ; -m devgroup --src-group default ; OK ; src-group 0x0
-m devgroup --src-group 0/1 ; -m devgroup --src-group 0x0/0x1 ; OK ; src-group 0x0/0x1
%6
-m devgroup --src-group 1 ; -m devgroup --src-group 0x1 ; OK ; src-group 0x1
