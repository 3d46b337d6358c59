:INPUT
-p esp --espspi 5 ; -p esp -m esp --espspi 5 ; OK ; esp spi:5
-p esp -m esp --espspi 5:10 ; = ; OK ; esp spis:5:10
-p esp -m esp ! --espspi 5:10 ; = ; OK ; esp spis:!5:10
-p esp -m esp --espspi 5: ; -p esp -m esp --espspi 5:4294967295 ; OK ; esp spis:5:4294967295
-p esp -m esp --espspi :5 ; -p esp -m esp --espspi 0:5 ; OK ; esp spis:0:5
-p esp -m esp --espspi 0:4294967295 ; -p esp -m esp ; OK ; esp
-p esp -m esp ! --espspi 0:4294967295 ; -p esp -m esp ; OK ; esp spis:!0:4294967295
-p esp -m esp --espspi 0x10 ; -p esp -m esp --espspi 16 ; OK ; esp spi:16
-p esp -m esp ; = ; OK ; esp
-p esp -m esp --espspi 10:5 ; = ; OK ; esp spis:10:5
-p esp -m esp --espspi foo ;  ; FAIL esp: bad value for option "--espspi" near "foo", or out of range (0-4294967295).
-p esp -m esp --espspi 1:2:3 ;  ; FAIL esp: Too many components for option "--espspi" (max: 2)
-p esp -m esp --espspi 1 --espspi 2 ;  ; FAIL esp: option "--espspi" can only be used once.
-m esp --espspi 5 ;  ; KERNEL x_tables: ip_tables: esp match: only valid for protocol 50
-p tcp -m esp --espspi 5 ;  ; KERNEL x_tables: ip_tables: esp match: only valid for protocol 50
%6
-p esp --espspi 5 ; -p esp -m esp --espspi 5 ; OK ; esp spi:5
