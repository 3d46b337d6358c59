%6
:INPUT
-m hl --hl-eq 64 ; = ; OK ; HL match HL == 64
-m hl ! --hl-eq 64 ; = ; OK ; HL match HL != 64
-m hl --hl-gt 5 ; = ; OK ; HL match HL > 5
-m hl --hl-lt 5 ; = ; OK ; HL match HL < 5
-m hl --hl-eq 256 ;  ; FAIL hl: bad value for option "--hl-eq", or out of range (0-255).
-m hl --hl-eq foo ;  ; FAIL hl: bad value for option "--hl-eq", or out of range (0-255).
-m hl ! --hl-lt 5 ;  ; FAIL hl: option "--hl-lt" cannot be inverted.
-m hl --hl-lt 5 --hl-gt 2 ;  ; FAIL hl: option "--hl-lt" cannot be used together with "--hl-gt".
-m hl --hl-eq 5 --hl-eq 2 ;  ; FAIL hl: option "--hl-eq" can only be used once.
-m hl ;  ; FAIL HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'
%4
-m hl --hl-eq 64 ;  ; FAIL Couldn't load match `hl':No such file or directory
