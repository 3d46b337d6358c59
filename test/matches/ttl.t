:INPUT
-m ttl --ttl-eq 64 ; = ; OK ; TTL match TTL == 64
-m ttl ! --ttl-eq 64 ; = ; OK ; TTL match TTL != 64
-m ttl --ttl-gt 5 ; = ; OK ; TTL match TTL > 5
-m ttl --ttl-lt 5 ; = ; OK ; TTL match TTL < 5
-m ttl --ttl 64 ; -m ttl --ttl-eq 64 ; OK ; TTL match TTL == 64
-m ttl --ttl-eq 0 ; = ; OK ; TTL match TTL == 0
-m ttl --ttl-eq 255 ; = ; OK ; TTL match TTL == 255
-m ttl --ttl-eq 256 ;  ; FAIL ttl: bad value for option "--ttl-eq", or out of range (0-255).
-m ttl --ttl-eq foo ;  ; FAIL ttl: bad value for option "--ttl-eq", or out of range (0-255).
-m ttl --ttl-eq -1 ;  ; FAIL ttl: bad value for option "--ttl-eq", or out of range (0-255).
-m ttl ! --ttl-lt 5 ;  ; FAIL ttl: option "--ttl-lt" cannot be inverted.
-m ttl ! --ttl-gt 5 ;  ; FAIL ttl: option "--ttl-gt" cannot be inverted.
-m ttl --ttl-lt 5 --ttl-gt 2 ;  ; FAIL ttl: option "--ttl-lt" cannot be used together with "--ttl-gt".
-m ttl --ttl-eq 5 --ttl-eq 2 ;  ; FAIL ttl: option "--ttl-eq" can only be used once.
-m ttl --ttl-eq 5 --ttl-gt 2 ;  ; FAIL ttl: option "--ttl-gt" cannot be used together with "--ttl-eq".
-m ttl ;  ; FAIL TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt
%6
-m ttl --ttl-eq 64 ;  ; FAIL Couldn't load match `ttl':No such file or directory
