:FORWARD
-m quota ;  ; FAIL quota: option "--quota" must be specified
-m quota --quota 1000 ; = ; OK ; quota: 1000 bytes
-m quota ! --quota 1000 ; = ; OK ; quota: 1000 bytes
-m quota --quota 0 ; = ; OK ; quota: 0 bytes
-m quota --quota x ;  ; FAIL quota: bad value for option "--quota", or out of range (0-18446744073709551615).
-m quota --quota 18446744073709551615 ; = ; OK ; quota: 18446744073709551615 bytes
-m quota --quota 18446744073709551616 ;  ; FAIL quota: bad value for option "--quota", or out of range (0-18446744073709551615).
-m quota --quota -1 ;  ; FAIL quota: bad value for option "--quota", or out of range (0-18446744073709551615).
-m quota --quota 1 --quota 2 ;  ; FAIL quota: option "--quota" can only be used once.
-m quota --quota 0x10 ; -m quota --quota 16 ; OK ; quota: 16 bytes
%6
-m quota --quota 5 ; = ; OK ; quota: 5 bytes
