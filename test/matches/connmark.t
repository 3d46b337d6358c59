:INPUT
-m connmark --mark 1 ; -m connmark --mark 0x1 ; OK ; connmark match  0x1
-m connmark --mark 0x10/0xf0 ; = ; OK ; connmark match  0x10/0xf0
-m connmark ! --mark 1/2 ; -m connmark ! --mark 0x1/0x2 ; OK ; connmark match ! 0x1/0x2
-m connmark --mark 3/1 ; -m connmark --mark 0x3/0x1 ; OK ; connmark match  0x3/0x1
-m connmark --mark 0 ; -m connmark --mark 0x0 ; OK ; connmark match  0x0
-m connmark --mark foo ;  ; FAIL connmark: bad integer value for option "--mark", or out of range.
-m connmark --mark 1/ ;  ; FAIL connmark: bad integer value for option "--mark", or out of range.
-m connmark --mark 1x ;  ; FAIL connmark: trailing garbage after value for option "--mark".
-m connmark --mark 1 --mark 2 ;  ; FAIL connmark: option "--mark" can only be used once.
-m connmark ;  ; FAIL connmark: option "--mark" must be specified
%6
-m connmark --mark 1 ; -m connmark --mark 0x1 ; OK ; connmark match  0x1
