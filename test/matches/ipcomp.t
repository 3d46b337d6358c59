-p ipcomp -m ipcomp --ipcompspi 1 ; = ; OK ; comp spi:1
-p 108 -m ipcomp --ipcompspi 0x12 ; -p ipcomp -m ipcomp --ipcompspi 18 ; OK ; comp spi:18
-p 108 -m ipcomp ! --ipcompspi 18 ; -p ipcomp -m ipcomp ! --ipcompspi 18 ; OK ; comp spi:!18
-p 108 -m ipcomp --ipcompspi 1: ; -p ipcomp -m ipcomp --ipcompspi 1:4294967295 ; OK ; comp spis:1:4294967295
-p 108 -m ipcomp --ipcompspi :5 ; -p ipcomp -m ipcomp --ipcompspi 0:5 ; OK ; comp spis:0:5
-p 108 -m ipcomp --ipcompspi 1:5 ; -p ipcomp -m ipcomp --ipcompspi 1:5 ; OK ; comp spis:1:5
-p 108 -m ipcomp ! --ipcompspi 0:4294967295 ; -p ipcomp -m ipcomp ; OK ; comp spis:!0:4294967295
-p 108 -m ipcomp --ipcompspi 0:4294967295 ; -p ipcomp -m ipcomp ; OK ; comp
-p 108 -m ipcomp --ipcompspi 5:1 ; -p ipcomp -m ipcomp --ipcompspi 5:1 ; OK ; comp spis:5:1
-p 108 -m ipcomp --compres ; -p ipcomp -m ipcomp --ipcompspi 0 --compres ; OK ; comp spi:0 reserved
-p 108 -m ipcomp --compres --ipcompspi 3 ; -p ipcomp -m ipcomp --ipcompspi 3 --compres ; OK ; comp spi:3 reserved
-p 108 -m ipcomp ; -p ipcomp -m ipcomp --ipcompspi 0 ; OK ; comp spi:0
-p 108 -m ipcomp --ipcompspi foo ;  ; FAIL ipcomp: bad value for option "--ipcompspi" near "foo", or out of range (0-4294967295).
-p 108 -m ipcomp --ipcompspi 4294967296 ;  ; FAIL ipcomp: bad value for option "--ipcompspi" near "4294967296", or out of range (0-4294967295).
-p 108 -m ipcomp --ipcompspi 1 --ipcompspi 2 ;  ; FAIL ipcomp: option "--ipcompspi" can only be used once.
-m ipcomp --ipcompspi 1 ;  ; KERNEL x_tables: ip_tables: ipcomp match: only valid for protocol 108
! -p 108 -m ipcomp --ipcompspi 1 ;  ; KERNEL x_tables: ip_tables: ipcomp match: only valid for protocol 108
%6
-p 108 -m ipcomp --ipcompspi 7 ; -p ipcomp -m ipcomp --ipcompspi 7 ; OK ; comp spi:7
